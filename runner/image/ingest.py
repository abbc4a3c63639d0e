"""Writing blobs into the content store, waiting where another process writes the same one."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import tenacity

from runner.image import digest as digests
from runner.image.mediatypes import gc_labels
from runner.types.errors import AlreadyExists, DataLoss, FailedPrecondition, NotFound, Unavailable
from runner.types.image import MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    from runner.containerd.content import Content, Writer

_LOCKED_WAIT = 0.1
"""Seconds between looks at a blob that another process is writing."""

Fill = Callable[["Writer"], Awaitable[None]]
"""Writes the blob's bytes from the writer's offset on."""


async def ingest(
    content: Content, ref: str, descriptor: Descriptor, fill: Fill, *, resumable: bool = False
) -> bool:
    """Write the blob under the ingest reference; False when it is there already.

    What a resumable one has got stays when `fill` fails. Raises DataLoss when the bytes are not
    those of the descriptor, of which then nothing is kept, and what `fill` raises.
    """
    return await _when_free()(_ingest_once, content, ref, descriptor, fill, resumable)


async def ingest_document(content: Content, data: bytes, labels: Mapping[str, str]) -> str:
    """Write a blob that is in memory, with its labels; its digest."""
    return await _when_free()(content.write_blob, data, labels)


async def ingest_image(content: Content, config: bytes, layers: Sequence[Descriptor]) -> Descriptor:
    """Write a new image's config and manifest, which keeps it and the layers; its descriptor."""
    described = Descriptor(MEDIA_TYPE_OCI_CONFIG, digests.of(config), len(config))
    manifest = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE_OCI_MANIFEST,
            "config": described,
            "layers": layers,
        }
    )
    await ingest_document(content, config, {})
    await ingest_document(content, manifest, gc_labels([described, *layers]))
    return Descriptor(MEDIA_TYPE_OCI_MANIFEST, digests.of(manifest), len(manifest))


def _when_free() -> tenacity.AsyncRetrying:
    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_is_locked),
        wait=tenacity.wait_fixed(_LOCKED_WAIT),
        reraise=True,
    )


async def _ingest_once(
    content: Content, ref: str, descriptor: Descriptor, fill: Fill, resumable: bool
) -> bool:
    try:
        async with content.writer(
            ref, total=descriptor.size, expected=descriptor.digest, resumable=resumable
        ) as writer:
            if writer.offset < descriptor.size:
                await fill(writer)
            await writer.commit(descriptor.size, descriptor.digest)
    except AlreadyExists:
        return False
    except FailedPrecondition as err:
        # Another size or digest: the next attempt must not go on with these bytes.
        with contextlib.suppress(NotFound):
            await content.abort(ref)
        raise DataLoss(err.message) from err
    return True


def _is_locked(err: BaseException) -> bool:
    """containerd's text for a locked ingest ends so; an unreachable containerd's does not."""
    return isinstance(err, Unavailable) and err.message.endswith("unavailable")
