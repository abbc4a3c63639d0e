"""TLS in front of the API's server, with connections that end one direction at a time.

asyncio's own TLS ends both directions as soon as the client has ended its own, as `docker run` does
when there is no more input: the output would be lost. So the record layer is kept apart here
(ssl.MemoryBIO), and the server behind it sees a plain socket, on which it can be seen whether the
client has ended its direction (close_notify) or is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

log = logging.getLogger(__name__)

_PIECE: Final = 64 * 1024
_HANDSHAKE_SECONDS: Final = 10.0


@contextlib.asynccontextmanager
async def serving_tls(
    server: Callable[[], asyncio.BaseProtocol], listening: socket.socket, context: ssl.SSLContext
) -> AsyncIterator[None]:
    """Hand connections to `server`, a factory of protocols, while inside. What is open then ends
    with the server's side of it, or here."""
    sessions: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # by us, below
                await _serve(_Connection(reader, writer, context), server)
        finally:
            sessions.discard(task)

    front = await asyncio.start_server(accept, sock=listening)
    try:
        yield
    finally:
        front.close()
        for session in list(sessions):
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


async def _serve(connection: _Connection, server: Callable[[], asyncio.BaseProtocol]) -> None:
    """One client, from its first byte to its last."""
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            await connection.shake_hands()
        await _relay(connection, server)
    except (OSError, TimeoutError) as err:  # ssl.SSLError is an OSError
        log.info("TLS connection from %s: %s", connection.peer, str(err) or "timed out")
    finally:
        connection.close()


async def _relay(connection: _Connection, server: Callable[[], asyncio.BaseProtocol]) -> None:
    """Until the server has said all, or the client is gone."""
    inner, outer = socket.socketpair()
    try:
        reader, writer = await asyncio.open_connection(sock=outer)
    except BaseException:
        inner.close()
        raise
    try:
        await asyncio.get_running_loop().connect_accepted_socket(server, inner)
        ways = (
            asyncio.ensure_future(_requests(connection, writer)),
            asyncio.ensure_future(_answers(reader, connection)),
        )
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    finally:
        writer.close()


async def _requests(connection: _Connection, writer: asyncio.StreamWriter) -> None:
    """What the client sends; its end is passed on. Returns when the client is gone."""
    while data := await connection.read():
        writer.write(data)
        await writer.drain()
    if connection.ended_properly:
        writer.write_eof()
        await connection.until_gone()


async def _answers(reader: asyncio.StreamReader, connection: _Connection) -> None:
    """What the server sends; at the end TLS is closed as it should be."""
    while data := await reader.read(_PIECE):
        await connection.write(data)
    await connection.write_end()


class _Connection:
    """One client's connection: what goes over it is TLS, what is read and written is not."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext
    ) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.peer = writer.get_extra_info("peername")
        self.ended_properly = False
        """Whether the client has said that it will send no more, and may still read."""

    async def shake_hands(self) -> None:
        """Raises OSError when the client's certificate does not satisfy, after telling it so."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()
                raise
            else:
                return await self._flush()

    async def read(self) -> bytes:
        """What has come; empty at the end of the client's direction. Raises OSError."""
        while True:
            try:
                data = self._tls.read(_PIECE)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLEOFError:
                return b""
            else:
                self.ended_properly = not data
                return data

    async def until_gone(self) -> None:
        """Wait until the client has closed the connection itself."""
        while await self._reader.read(_PIECE):
            pass

    async def write(self, data: bytes) -> None:
        """Send, as fast as the client reads. Raises OSError."""
        self._tls.write(data)
        await self._flush()

    async def write_end(self) -> None:
        """Say that no more will come."""
        with contextlib.suppress(ssl.SSLError):  # the client's own end may not have come yet
            self._tls.unwrap()
        await self._flush()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            self._writer.write(data)
        await self._writer.drain()

    async def _fill(self) -> None:
        if data := await self._reader.read(_PIECE):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
