"""containerd.services.content.v1: blobs by digest, and the ingests that become blobs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from runner.containerd._connection import Service
from runner.containerd._convert import time_from
from runner.containerd._pb.services.content.v1 import content_pb2 as pb
from runner.containerd._pb.services.content.v1.content_pb2_grpc import ContentStub
from runner.containerd._shield import finish
from runner.containerd.values import ZERO_TIME
from runner.types.errors import AlreadyExists, DataLoss, InvalidParameter, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping
    from datetime import datetime

    from runner.containerd._connection import Connection

CHUNK_SIZE = 4 << 20
"""Bytes in one message of a write. Measured: 1 to 4 MiB are equally fast, less is slower."""

READ_LIMIT = 8 << 20
"""Bytes that a manifest, index or config may have: more than any real one."""

CLOSE_TIMEOUT = 10.0
"""Seconds in which containerd has let go of an ingest, which takes a sync to disk."""

_NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Info:
    """A blob. `size` in bytes."""

    digest: str
    size: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = ZERO_TIME
    updated_at: datetime = ZERO_TIME


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """A blob being written: `offset` bytes of `total`, which is 0 while unknown."""

    ref: str
    offset: int
    total: int
    expected: str
    started_at: datetime
    updated_at: datetime


class Content:
    """The blobs of the client's namespace.

    What no lease, image, `containerd.io/gc.root` or `containerd.io/gc.ref.*` label holds is taken
    by the next garbage collection.
    """

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, ContentStub)

    async def info(self, digest: str) -> Info:
        """Raises NotFound."""
        reply: pb.InfoResponse = await self._service.unary("Info", pb.InfoRequest(digest=digest))
        return info_from(reply.info)

    async def read(
        self, digest: str, offset: int = 0, size: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """The blob's bytes from `offset` on, `size` of them or with 0 all, in pieces.

        Raises:
            NotFound: no such blob.
            InvalidParameter: the offset lies beyond the end.
        """
        request = pb.ReadContentRequest(digest=digest, offset=offset, size=size)
        async for reply in self._service.stream("Read", request):
            yield reply.data

    async def read_all(self, digest: str, limit: int = READ_LIMIT) -> bytes:
        """The whole blob, for documents that are parsed in one piece.

        Raises:
            NotFound: no such blob.
            InvalidParameter: it has more than `limit` bytes.
        """
        data = bytearray()
        async with contextlib.aclosing(self.read(digest)) as pieces:
            async for piece in pieces:
                data += piece
                if len(data) > limit:
                    raise InvalidParameter(f"content {digest} has more than {limit} bytes")
        return bytes(data)

    async def delete(self, digest: str) -> None:
        """Raises NotFound."""
        await self._service.unary("Delete", pb.DeleteContentRequest(digest=digest))

    async def update(self, info: Info, *fields: str) -> Info:
        """Replace the fields named, `labels` or `labels.<key>`; all labels without names."""
        request = pb.UpdateRequest(
            info=pb.Info(digest=info.digest, labels=info.labels),
            update_mask=FieldMask(paths=fields),
        )
        reply: pb.UpdateResponse = await self._service.unary("Update", request)
        return info_from(reply.info)

    async def status(self, ref: str) -> IngestStatus:
        """Raises NotFound when nothing is being written under this reference."""
        reply: pb.StatusResponse = await self._service.unary("Status", pb.StatusRequest(ref=ref))
        return status_from(reply.status)

    async def list_statuses(self, *filters: str) -> list[IngestStatus]:
        """The ingests that any of the filters matches, all without filters."""
        request = pb.ListStatusesRequest(filters=filters)
        reply: pb.ListStatusesResponse = await self._service.unary("ListStatuses", request)
        return [status_from(status) for status in reply.statuses]

    async def abort(self, ref: str) -> None:
        """Throw an ingest away. Raises NotFound."""
        await self._service.unary("Abort", pb.AbortRequest(ref=ref))

    @contextlib.asynccontextmanager
    async def writer(
        self, ref: str, *, total: int = 0, expected: str = "", resumable: bool = False
    ) -> AsyncIterator[Writer]:
        """Open the ingest `ref`, which nobody else can until the end, to write a blob.

        Left uncommitted, for whatever reason, the ingest is aborted; a resumable one stays with
        all that was written, and the next writer of its reference begins at its `offset`.

        Args:
            total: the blob's size in bytes, where known.
            expected: the blob's digest, where known. containerd may then have some or all of the
                bytes from another namespace, and the writer's `offset` begins behind them.

        Raises:
            AlreadyExists: the blob `expected` is here; a lease being held holds it from now on.
            Unavailable: the reference is being written by somebody else.
        """
        writer = Writer(self._service, ref)
        elsewhere = False
        try:
            try:
                await writer.open(total, expected)
            except Unavailable:
                elsewhere = True  # what somebody else is writing is not ours to abort
                raise
            yield writer
        finally:
            keep = writer.committed or resumable or elsewhere
            await finish(self._leave(writer, keep=keep))

    async def _leave(self, writer: Writer, *, keep: bool) -> None:
        with contextlib.suppress(NotFound, Unavailable):
            await writer.close()
            if not keep:
                await self.abort(writer.ref)

    async def write_blob(self, data: bytes, labels: Mapping[str, str] = _NO_LABELS) -> str:
        """Write a blob that is in memory; returns its digest. Its labels are set either way."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        try:
            async with self.writer(f"blob-{digest}", total=len(data), expected=digest) as writer:
                await writer.write(data[writer.offset :])
                await writer.commit(len(data), digest, labels, exists_ok=False)
        except AlreadyExists:
            if labels:
                await self.update(Info(digest, labels=labels), *(f"labels.{key}" for key in labels))
        return digest

    async def list(self, *filters: str) -> AsyncGenerator[Info, None]:
        """Those that any of the filters matches, all without filters."""
        async for reply in self._service.stream("List", pb.ListContentRequest(filters=filters)):
            for info in reply.info:
                yield info_from(info)


class Writer:
    """An open ingest. `offset` is where the next write goes, `digest` that of a committed blob."""

    def __init__(self, service: Service, ref: str) -> None:
        self.ref = ref
        self.offset = 0
        self.digest = ""
        self.committed = False
        self._connection = service.connection
        self._call = service.exchange("Write")
        self._exchanging: asyncio.Task[pb.WriteContentResponse] | None = None

    async def open(self, total: int, expected: str) -> None:
        """Take the reference; `Content.writer` does so."""
        request = pb.WriteContentRequest(
            action=pb.WriteAction.STAT, ref=self.ref, total=total, expected=expected
        )
        self.offset = (await self._exchange(request)).offset

    async def write(self, data: bytes | memoryview) -> None:
        """Append. Returns when containerd has it all."""
        view = memoryview(data)
        for start in range(0, len(view), CHUNK_SIZE):
            chunk = bytes(view[start : start + CHUNK_SIZE])
            request = pb.WriteContentRequest(
                action=pb.WriteAction.WRITE, ref=self.ref, offset=self.offset, data=chunk
            )
            reply = await self._exchange(request)
            if reply.offset != self.offset + len(chunk):
                raise DataLoss(f"short write to {self.ref}: at {reply.offset} of {self.offset}")
            self.offset = reply.offset

    async def commit(
        self,
        total: int = 0,
        digest: str = "",
        labels: Mapping[str, str] = _NO_LABELS,
        *,
        exists_ok: bool = True,
    ) -> str:
        """Make the ingest a blob; returns its digest.

        Args:
            total: the size that it must have in bytes, 0 for any.
            digest: the digest that it must have, empty for any.
            exists_ok: it is as well when the blob has come to exist meanwhile. Its labels are then
                the other writer's.

        Raises:
            AlreadyExists: the blob exists, and `exists_ok` is false.
            FailedPrecondition: the bytes written have another size or digest.
        """
        request = pb.WriteContentRequest(
            action=pb.WriteAction.COMMIT,
            ref=self.ref,
            offset=self.offset,
            total=total,
            expected=digest,
            labels=labels,
        )
        try:
            self.digest = (await self._exchange(request)).digest
        except AlreadyExists:
            if not (exists_ok and digest):
                raise
            self.digest = digest
        self.committed = True
        return self.digest

    async def close(self) -> None:
        """End the call; `Content.writer` does so.

        When this returns containerd has let go of the reference. It would do so at some later time
        if the call was cancelled, hence the half-close, and exchanges that run to their end.
        """
        if self._exchanging is not None:
            await asyncio.wait([self._exchanging])
            if not self._exchanging.cancelled():
                self._exchanging.exception()  # a caller that was cancelled has not heard of it
        try:
            with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._call.done_writing()
                    while await self._call.read() is not grpc.aio.EOF:
                        pass
        except TimeoutError:
            raise Unavailable(f"containerd does not let go of {self.ref}") from None
        finally:
            self._call.cancel()

    async def _exchange(self, request: pb.WriteContentRequest) -> pb.WriteContentResponse:
        """Send a request and await its reply, which a cancelled caller leaves to `close`."""
        self._exchanging = asyncio.create_task(self._send(request))
        return await asyncio.shield(self._exchanging)

    async def _send(self, request: pb.WriteContentRequest) -> pb.WriteContentResponse:
        with self._connection.observed("Content.Write"):
            with contextlib.suppress(asyncio.InvalidStateError):
                await self._call.write(request)  # unless the call has ended: read() tells why
            reply: pb.WriteContentResponse = await self._call.read()
            if reply is grpc.aio.EOF:
                raise DataLoss(f"containerd ended the write to {self.ref}")
            return reply


def info_from(message: pb.Info) -> Info:
    """From the service's message."""
    return Info(
        digest=message.digest,
        size=message.size,
        labels=dict(message.labels),
        created_at=time_from(message.created_at),
        updated_at=time_from(message.updated_at),
    )


def status_from(message: pb.Status) -> IngestStatus:
    """From the service's message."""
    return IngestStatus(
        ref=message.ref,
        offset=message.offset,
        total=message.total,
        expected=message.expected,
        started_at=time_from(message.started_at),
        updated_at=time_from(message.updated_at),
    )
