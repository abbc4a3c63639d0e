"""Importing a tar as an image of one layer (moby daemon/containerd/image_import.go)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from runner.containerd.content import Info
from runner.containerd.images import Image as Record
from runner.image import digest as digests
from runner.image import documents, lookup, mediatypes, records
from runner.image import platform as platforms
from runner.image.archive.spool import DEFAULT_LIMITS, Limits, batches
from runner.image.changes import apply_changes
from runner.image.ingest import ingest_image
from runner.tar.compression import MAGIC_SIZE, Compression, detect
from runner.tar.decompress import Decoder
from runner.types.errors import InvalidParameter
from runner.types.image import (
    MEDIA_TYPE_OCI_LAYER_GZIP,
    MEDIA_TYPE_OCI_LAYER_ZSTD,
    Descriptor,
    ImageRunConfig,
    Platform,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.containerd.content import Content
    from runner.image.reference import Reference
    from runner.image.store import ImageStore

_KEPT = {
    Compression.GZIP: MEDIA_TYPE_OCI_LAYER_GZIP,
    Compression.ZSTD: MEDIA_TYPE_OCI_LAYER_ZSTD,
}
"""Layers that are stored as they come; others are compressed with gzip."""


async def import_image(
    store: ImageStore,
    stream: AsyncIterator[bytes],
    *,
    reference: Reference | None = None,
    changes: Sequence[str] = (),
    message: str = "",
    platform: Platform | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """Make an image of the tar, compressed or not; its ID. Without reference it is dangling.

    `changes` are Dockerfile instructions. Raises InvalidParameter for bad ones, for damaged
    compression and for more than the limit's bytes, and containerd's error for what is no tar.
    """
    run_config = apply_changes(ImageRunConfig(), list(changes))
    async with store.containerd.leases.hold():
        layer, diff_id = await _store_layer(store.content, stream, limits)
        config = _config_json(run_config, platform or platforms.host_platform(), diff_id, message)
        target = await ingest_image(store.content, config, [layer])
        parsed = documents.parse_config(config)
        await store.unpacker.unpack(digests.of(config), parsed, [layer])
        name = str(reference) if reference else lookup.dangling_name(target.digest)
        await records.create_or_replace(store.images, Record(name, target))
    return target.digest


async def _store_layer(
    content: Content, stream: AsyncIterator[bytes], limits: Limits
) -> tuple[Descriptor, str]:
    """Write the layer's blob (moby saveArchive); its descriptor and diff ID."""
    async with content.writer(f"import-{secrets.token_hex(16)}") as writer:
        layer = _Layer(limits.size)
        async for batch in batches(stream):
            await writer.write(await asyncio.to_thread(layer.feed, batch))
        await writer.write(await asyncio.to_thread(layer.finish))
        size = writer.offset
        digest = f"sha256:{layer.blob.hexdigest()}"
        diff_id = f"sha256:{layer.diff.hexdigest()}"
        await writer.commit(size, digest, {mediatypes.LABEL_UNCOMPRESSED: diff_id})
    labels = {mediatypes.LABEL_UNCOMPRESSED: diff_id}
    await content.update(Info(digest, labels=labels), f"labels.{mediatypes.LABEL_UNCOMPRESSED}")
    return Descriptor(layer.media_type, digest, size), diff_id


@dataclass(slots=True)
class _Layer:
    """The incoming tar on its way to a blob, hashed in both forms."""

    limit: int
    blob: digests.Hash = field(default_factory=hashlib.sha256)
    diff: digests.Hash = field(default_factory=hashlib.sha256)
    media_type: str = MEDIA_TYPE_OCI_LAYER_GZIP
    _decoder: Decoder | None = None
    _compressor: Any = None
    _out: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> bytes:
        """What is to be written of the blob now. Blocks."""
        if self._decoder is None:
            self._begin(data[:MAGIC_SIZE])
        assert self._decoder is not None
        if self._compressor is None:
            self._out += data
        for piece in self._decoder.feed(data):
            self._uncompressed(piece)
        return self._taken()

    def finish(self) -> bytes:
        """The blob's end."""
        if self._decoder is None:
            self._begin(b"")
        assert self._decoder is not None
        self._decoder.finish()
        if self._compressor is not None:
            self._out += self._compressor.flush()
        return self._taken()

    def _begin(self, start: bytes) -> None:
        compression = detect(start)
        self._decoder = Decoder(compression)
        if compression in _KEPT:
            self.media_type = _KEPT[compression]
        else:
            self._compressor = zlib.compressobj(wbits=31)

    def _uncompressed(self, data: bytes) -> None:
        self.limit -= len(data)
        if self.limit < 0:
            raise InvalidParameter("the archive has too many bytes when it is decompressed")
        self.diff.update(data)
        if self._compressor is not None:
            self._out += self._compressor.compress(data)

    def _taken(self) -> bytes:
        taken = bytes(self._out)
        self._out.clear()
        self.blob.update(taken)
        return taken


def _config_json(
    run_config: ImageRunConfig, platform: Platform, diff_id: str, message: str
) -> bytes:
    created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    step = {"created": created} | ({"comment": message} if message else {})
    return msgspec.json.encode(
        {
            "created": created,
            **msgspec.to_builtins(platform),
            "config": run_config,
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [step],
        }
    )
