"""Takes a connection away from HTTP: what attach and exec need (moby HijackConnection).

The client asks with a POST, the answer is `101 UPGRADED` (or a plain 200 when it did not ask for
an upgrade), and from then on the connection is a raw stream in both directions. Either side can end
its direction and go on receiving: `echo x | docker run -i … cat` lives from that.

aiohttp knows upgrades to websockets only, and closes a connection whose client has half-closed. So
the transport is given another protocol, `_RawProtocol`, for the rest of its life:

- reading pauses while nobody reads from us, and `write` waits while the client does not read, so
  neither side's slowness costs more memory than a buffer;
- a half-close is an end of input, nothing more. A client that has gone altogether looks the same on
  a Unix socket until one writes to it; the kernel tells the difference as a hang-up (POLLHUP), for
  which the descriptor is watched from then on (moby notifyClosed);
- aiohttp's own protocol object still owns the request: it is told when the connection is lost, and
  then cancels the handler, as it does for every other stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import struct
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from runner import trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.api.call import Call

RAW_STREAM: Final = "application/vnd.docker.raw-stream"
MULTIPLEXED_STREAM: Final = "application/vnd.docker.multiplexed-stream"

_MULTIPLEXED_TYPE_SINCE: Final = "1.42"
_BUFFER: Final = 64 * 1024
_FRAME: Final = struct.Struct(">BxxxL")
_LINGER: Final = 2.0
"""Seconds for a client to see our end of output before its unread input makes the kernel reset."""


def stream_type(call: Call, *, multiplexed: bool) -> str:
    """The media type of a container's output. That it can be framed is said since API 1.42."""
    typed = multiplexed and not call.version.below(_MULTIPLEXED_TYPE_SINCE)
    return MULTIPLEXED_STREAM if typed else RAW_STREAM


def upgrade_head(call: Call, *, multiplexed: bool) -> bytes:
    """The head of the answer that hands the connection over, as the client has asked for it."""
    if "Upgrade" not in call.request.headers:
        return f"HTTP/1.1 200 OK\r\nContent-Type: {RAW_STREAM}\r\n\r\n".encode()
    content_type = stream_type(call, multiplexed=multiplexed)
    return (
        f"HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    ).encode()


def frame(stream: int, data: bytes) -> bytes:
    """Data of one stream (1 stdout, 2 stderr, 3 system error) as stdcopy multiplexes it."""
    return _FRAME.pack(stream, len(data)) + data


class RawStream:
    """The hijacked connection as a handler uses it (the engine's attach.Client)."""

    def __init__(self, protocol: _RawProtocol, *, multiplexed: bool) -> None:
        self._protocol = protocol
        self._multiplexed = multiplexed

    async def read(self) -> bytes:
        """What the client sent, b"" once it has half-closed. Raises ConnectionResetError."""
        return await self._protocol.read()

    async def write(self, stream: int, data: bytes) -> None:
        """Send output of a stream, framed unless it is a terminal's.

        Waits while the client does not read. Raises ConnectionResetError when it has gone.
        """
        await self._protocol.write(frame(stream, data) if self._multiplexed else data)

    async def close(self) -> None:
        """End our direction; the client may still send."""
        self._protocol.end_output()


@contextlib.asynccontextmanager
async def hijacked(
    request: web.Request, head: bytes, *, multiplexed: bool
) -> AsyncIterator[RawStream]:
    """Take over the request's connection, send `head`, and close it in the end.

    The handler must return `Taken()` afterwards.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    protocol = _RawProtocol(transport, cast(asyncio.Protocol, request.protocol))
    try:
        await protocol.write(head)
        trace.note(status=int(head.split()[1]))
        yield RawStream(protocol, multiplexed=multiplexed)
        await protocol.finish()
    finally:
        protocol.close()


class Taken(web.StreamResponse):
    """The answer of a handler that has sent everything itself."""

    def __init__(self) -> None:
        super().__init__()
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to send."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


class _RawProtocol(asyncio.Protocol):
    """Bytes in, bytes out, with flow control in both directions."""

    def __init__(self, transport: asyncio.Transport, owner: asyncio.Protocol) -> None:
        self._transport = transport
        self._owner = owner
        self._input = bytearray()
        self._ended = False
        self._lost = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._readable = asyncio.Event()
        self._hangup: _HangupWatch | None = None
        transport.set_write_buffer_limits(high=_BUFFER)
        transport.set_protocol(self)
        transport.resume_reading()

    async def read(self) -> bytes:
        while not (self._input or self._ended):
            self._readable.clear()
            await self._readable.wait()
        if self._lost and not self._input:
            raise ConnectionResetError("the client has gone")
        data = bytes(self._input)
        self._input.clear()
        if not (self._ended or self._transport.is_closing()):
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        self._check_connected()
        self._transport.write(data)
        await self._writable.wait()
        self._check_connected()

    def end_output(self) -> None:
        """Shut down our direction. Idempotent."""
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    async def finish(self) -> None:
        """End our direction and give the client a moment to end its own."""
        self.end_output()
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            async with asyncio.timeout(_LINGER):
                while await self.read():
                    pass

    def close(self) -> None:
        if self._hangup is not None:
            self._hangup.stop()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._input += data
        self._readable.set()
        if len(self._input) >= _BUFFER:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._readable.set()
        self._hangup = _HangupWatch(self._transport)
        return True  # keep the other direction open

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._ended = True
        self._readable.set()
        self._writable.set()
        if self._hangup is not None:
            self._hangup.stop()
        self._owner.connection_lost(exc)

    def _check_connected(self) -> None:
        if self._lost or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")


class _HangupWatch:
    """Aborts a transport when the peer has closed both directions.

    An epoll instance watches the socket for nothing but the hang-up, which epoll always reports;
    the event loop watches the epoll instance.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._epoll.register(transport.get_extra_info("socket").fileno(), 0)
        self._loop.add_reader(self._epoll.fileno(), self._hung_up)

    def stop(self) -> None:
        """Watch no longer. Idempotent."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _hung_up(self) -> None:
        self.stop()
        self._transport.abort()
