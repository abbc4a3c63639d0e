"""A syslog server on asyncio: notes what it gets, and can be made to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_SECONDS: Final = 20


class SyslogServer:
    """Listens at one address for all its life, also when it is stopped and started again.

    `kind` is a scheme of syslog-address. `messages` are lines without the newline.
    """

    def __init__(self, kind: str, folder: Path, context: ssl.SSLContext | None = None) -> None:
        self.kind = kind
        self.messages: list[bytes] = []
        self.raw = b""
        self.connections = 0
        self.reads = True
        self._context = context
        self._path = str(folder / "log.sock")
        self._port = 0
        self._streams: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = None
        self._came = asyncio.Event()

    @property
    def address(self) -> str:
        """The value for syslog-address."""
        place = self._path if self.kind.startswith("unix") else f"127.0.0.1:{self._port}"
        return f"{self.kind}://{place}"

    async def start(self) -> SyslogServer:
        """Listen."""
        Path(self._path).unlink(missing_ok=True)
        match self.kind:
            case "unix":
                self._server = await asyncio.start_unix_server(self._serve, self._path)
            case "tcp" | "tcp+tls":
                self._server = await asyncio.start_server(
                    self._serve, "127.0.0.1", self._port, ssl=self._context
                )
                self._port = self._server.sockets[0].getsockname()[1]
            case _:
                self._bind()
        return self

    async def stop(self) -> None:
        """Stop listening and drop the connections."""
        server, self._server = self._server, None
        if server is not None:
            await _accept_no_more(server)
            server.close()
            await self.drop()
            await server.wait_closed()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        Path(self._path).unlink(missing_ok=True)

    async def drop(self) -> None:
        """Close the connections, and go on listening."""
        streams, self._streams = self._streams, set()
        for stream in streams:
            await _close(stream)

    async def has(self, count: int) -> list[bytes]:
        """Wait for so many messages."""
        await self._until(lambda: len(self.messages) >= count)
        return self.messages

    async def is_connected(self) -> None:
        """Wait for a connection, where there are any."""
        if self._server is not None:
            await self._until(lambda: bool(self._streams))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not condition():
                self._came.clear()
                await self._came.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._streams.add(writer)
        self._came.set()
        with contextlib.suppress(OSError):
            while self.reads and (line := await reader.readline()):
                self._note(line)

    def _bind(self) -> None:
        unix = self.kind == "unixgram"
        family = socket.AF_UNIX if unix else socket.AF_INET
        address: Any = self._path if unix else ("127.0.0.1", self._port)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address)
        if not unix:
            self._port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def _receive(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                self._note(self._socket.recv(65536))

    def _note(self, data: bytes) -> None:
        self.raw += data
        self.messages += data.splitlines()
        self._came.set()


async def _accept_no_more(server: asyncio.Server) -> None:
    """asyncio loses sight of a connection that it is accepting while the server is closed."""
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(5):
        await asyncio.sleep(0)


async def _close(stream: asyncio.StreamWriter) -> None:
    """Close in good order, and at once when the other end has gone without a farewell."""
    stream.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(0.2):
            await stream.wait_closed()
    stream.transport.abort()
