"""From a registry into containerd's content store, under the names containerd's clients use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from runner.image import documents, mediatypes
from runner.image.ingest import ingest, ingest_document
from runner.image.origin import note_origin
from runner.trace import step
from runner.types.errors import InvalidParameter, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.containerd.content import Content, Writer
    from runner.image.reference import Reference
    from runner.types.image import Descriptor

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
        self._reference = reference

    async def document(self, descriptor: Descriptor) -> bytes:
        """An index, manifest or config, with the labels by which it keeps what it refers to.

        Raises DataLoss, NotFound, InvalidParameter for one that cannot be parsed.
        """
        try:
            data = await self._content.read_all(descriptor.digest, documents.CONFIG_SIZE_MAX)
        except NotFound:
            data = await self._source.document(descriptor)
        labels = mediatypes.gc_labels(documents.children(descriptor, data))
        await ingest_document(self._content, data, labels)
        await note_origin(self._content, descriptor.digest, self._reference)
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
                new = await self._write(descriptor, received)
        await note_origin(self._content, descriptor.digest, self._reference)
        return new

    async def _write(self, descriptor: Descriptor, received: Callable[[int], None]) -> bool:
        async def fill(writer: Writer) -> None:
            behind = _Behind(writer, received)
            try:
                await self._source.copy(descriptor, behind.take, writer.offset)
                await behind.settle()
            finally:
                await behind.close()

        ref = mediatypes.ingest_ref(descriptor)
        return await ingest(self._content, ref, descriptor, fill, resumable=True)


class _Behind:
    """Writes a chunk while the next one is being received."""

    def __init__(self, writer: Writer, received: Callable[[int], None]) -> None:
        self._writer = writer
        self._received = received
        self._writing: asyncio.Task[None] | None = None

    async def take(self, chunk: bytes) -> None:
        """Begin to write the chunk once the one before it is written."""
        await self.settle()
        self._writing = asyncio.create_task(self._write(chunk))

    async def _write(self, chunk: bytes) -> None:
        await self._writer.write(chunk)
        self._received(self._writer.offset)

    async def settle(self) -> None:
        """Return when all that was taken is written. Raises what writing has raised."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    async def close(self) -> None:
        """End what is under way."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])


def _lock(digest: str) -> asyncio.Lock:
    """One download of a blob at a time in this process."""
    lock = _locks.get(digest)
    if lock is None:
        lock = _locks[digest] = asyncio.Lock()
    return lock
