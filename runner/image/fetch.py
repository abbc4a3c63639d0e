"""From a registry into containerd's content store, under the names containerd's clients use."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

import tenacity

from runner.containerd.content import Info
from runner.image import documents, mediatypes
from runner.trace import step
from runner.types.errors import (
    AlreadyExists,
    DataLoss,
    FailedPrecondition,
    InvalidParameter,
    NotFound,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.containerd.content import Content
    from runner.image.reference import Reference
    from runner.types.image import Descriptor

_LABEL_SIZE_MAX = 4096
"""Bytes of a label's key and value together (containerd pkg/labels)."""

_LOCKED_WAIT = 0.2
"""Seconds between looks at a blob that another process is downloading."""

_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class Source(Protocol):
    """Where blobs come from: a registry."""

    async def document(self, descriptor: Descriptor) -> bytes:
        """The whole blob, verified."""
        ...

    async def copy(
        self, descriptor: Descriptor, sink: Callable[[bytes], Awaitable[None]], offset: int = 0
    ) -> None:
        """The blob from `offset` on, its size verified."""
        ...


class Fetcher:
    """Downloads into the content store what is not there yet, for one repository."""

    def __init__(self, content: Content, source: Source, reference: Reference) -> None:
        self._content = content
        self._source = source
        host = reference.domain.partition(":")[0]
        self._origin = f"{mediatypes.LABEL_DISTRIBUTION_SOURCE}.{host}"
        self._repository = reference.path

    async def document(self, descriptor: Descriptor) -> bytes:
        """An index, manifest or config, with the labels by which it keeps what it refers to.

        Raises DataLoss, NotFound, InvalidParameter for one that cannot be parsed.
        """
        try:
            data = await self._content.read_all(descriptor.digest, documents.CONFIG_SIZE_MAX)
        except NotFound:
            data = await self._source.document(descriptor)
        labels = mediatypes.gc_labels(documents.children(descriptor, data))
        await self._content.write_blob(data, labels)
        await self._note_origin(descriptor.digest)
        return data

    async def layer(self, descriptor: Descriptor, received: Callable[[int], None]) -> bool:
        """A layer; False when it was there already. `received` is told the bytes so far.

        A download that breaks off stays, and is gone on with the next time. Raises DataLoss when
        what comes is not what the descriptor says, NotFound.
        """
        if descriptor.size == 0:
            raise InvalidParameter(
                f"unable to fetch descriptor ({descriptor.digest}) which reports content size of "
                "zero: invalid argument"
            )
        with step("image.fetch_layer", digest=descriptor.digest, size=descriptor.size):
            async with _lock(descriptor.digest):
                new = await self._write_when_free(descriptor, received)
        await self._note_origin(descriptor.digest)
        return new

    async def _write_when_free(
        self, descriptor: Descriptor, received: Callable[[int], None]
    ) -> bool:
        """Wait for other processes that are writing the same blob (containerd OpenWriter)."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_is_locked),
            wait=tenacity.wait_fixed(_LOCKED_WAIT),
            reraise=True,
        )
        return await retrying(self._write, descriptor, received)

    async def _write(self, descriptor: Descriptor, received: Callable[[int], None]) -> bool:
        ref = mediatypes.ingest_ref(descriptor)
        try:
            async with self._content.writer(
                ref, total=descriptor.size, expected=descriptor.digest, resumable=True
            ) as writer:

                async def take(chunk: bytes) -> None:
                    await writer.write(chunk)
                    received(writer.offset)

                if writer.offset < descriptor.size:
                    await self._source.copy(descriptor, take, writer.offset)
                await writer.commit(descriptor.size, descriptor.digest)
        except AlreadyExists:
            return False
        except FailedPrecondition as err:
            # Another size or digest: the next attempt must not go on with these bytes.
            with contextlib.suppress(NotFound):
                await self._content.abort(ref)
            raise DataLoss(err.message) from err
        return True

    async def _note_origin(self, digest: str) -> None:
        """Note the repository, from which a later push may mount the blob."""
        info = await self._content.info(digest)
        repositories = {*info.labels.get(self._origin, "").split(","), self._repository} - {""}
        value = ",".join(sorted(repositories))
        if len(self._origin) + len(value) > _LABEL_SIZE_MAX:
            return
        noted = Info(digest, labels={self._origin: value})
        await self._content.update(noted, f"labels.{self._origin}")


def _is_locked(err: BaseException) -> bool:
    """containerd's text for a locked ingest ends so; an unreachable containerd's does not."""
    return isinstance(err, Unavailable) and err.message.endswith("unavailable")


def _lock(digest: str) -> asyncio.Lock:
    """One download of a blob at a time in this process."""
    lock = _locks.get(digest)
    if lock is None:
        lock = _locks[digest] = asyncio.Lock()
    return lock
