"""Forwarding from IPv6 host ports to containers that have IPv4 only, and from ::1 to all
(docker-proxy's part of it).

The kernel translates addresses within a family only, and never ::1; the engine carries the rest
itself. It is what answers `localhost` on hosts where that is ::1 first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Final, Protocol

from runner.network.sockets import let_in

if TYPE_CHECKING:
    from runner.network.ip import IPAddress

log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16
_MOST_CLIENTS: Final = 1024
"""Of one port, at the same time: addresses can be made up, descriptors cannot."""
_UDP_IDLE: Final = 90.0
"""Seconds after which an answer is no longer expected (docker-proxy UDPConnTrackTimeout)."""
_IPV6_PKTINFO: Final = 50

Target = tuple[str, int]


class Proxy(Protocol):
    """Forwards until it is closed, by which its socket is closed too."""

    async def close(self) -> None:
        """Stop, and cut what is connected. Safe to call twice."""


async def start_proxy(
    held: socket.socket, protocol: str, container_ip: IPAddress, container_port: int
) -> Proxy:
    """Forward what reaches a held socket. Owns the socket from now on."""
    target = (str(container_ip), container_port)
    proxy = TCPProxy(target) if protocol == "tcp" else UDPProxy(held, target)
    await proxy.start(held)
    let_in(held)
    return proxy


class TCPProxy:
    """Connections, each half closed on its own."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, held: socket.socket) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accepted, sock=held)

    async def close(self) -> None:
        """See Proxy."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= _MOST_CLIENTS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError):
                await self._forward(reader, writer)
        except asyncio.CancelledError:
            pass  # by close(): the server's callback must not be seen to fail
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend_reader, backend_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_copy(reader, backend_writer), _copy(backend_reader, writer))
        finally:
            backend_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
    await writer.drain()


class UDPProxy:
    """Datagrams. Each client gets a port of ours towards the container, until it is silent."""

    def __init__(self, held: socket.socket, target: Target) -> None:
        self._held = held
        self._target = target
        self._clients: dict[tuple[object, ...], _Client] = {}
        self._loop = asyncio.get_running_loop()

    async def start(self, held: socket.socket) -> None:
        """Receive datagrams."""
        self._loop.add_reader(held, self._readable)

    async def close(self) -> None:
        """See Proxy."""
        if self._held.fileno() == -1:
            return
        self._loop.remove_reader(self._held)
        self._held.close()
        for client in list(self._clients.values()):
            client.close()

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            data, ancillary, _, address = self._held.recvmsg(_CHUNK, 128)
            # Which of the host's addresses was asked: the answer must come from it.
            asked = [item for item in ancillary if item[:2] == (socket.IPPROTO_IPV6, _IPV6_PKTINFO)]
            self._client(address, asked).send(data)

    def _client(self, address: tuple[object, ...], asked: list[tuple[int, int, bytes]]) -> _Client:
        """The client at the address, the last in line to be given up when there are too many."""
        client = self._clients.pop(address, None)
        if client is None:
            if len(self._clients) >= _MOST_CLIENTS:
                next(iter(self._clients.values())).close()
            client = _Client(self, address, asked)
        self._clients[address] = client
        return client

    def answer(
        self, data: bytes, address: tuple[object, ...], asked: list[tuple[int, int, bytes]]
    ) -> None:
        """Send a datagram to a client."""
        with contextlib.suppress(OSError):
            self._held.sendmsg([data], asked, 0, address)

    def forget(self, address: tuple[object, ...]) -> None:
        """A client is gone."""
        self._clients.pop(address, None)

    @property
    def target(self) -> Target:
        """The container's address and port."""
        return self._target

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything runs in."""
        return self._loop


class _Client:
    """One client's socket towards the container."""

    def __init__(
        self, proxy: UDPProxy, address: tuple[object, ...], asked: list[tuple[int, int, bytes]]
    ) -> None:
        self._proxy = proxy
        self._address = address
        self._asked = asked
        family = socket.AF_INET6 if ":" in proxy.target[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._socket.connect(proxy.target)
        proxy.loop.add_reader(self._socket, self._readable)
        self._idle = proxy.loop.call_later(_UDP_IDLE, self.close)

    def send(self, data: bytes) -> None:
        """A datagram for the container; lost when it does not listen, as datagrams may be."""
        self._touch()
        with contextlib.suppress(OSError):
            self._socket.send(data)

    def close(self) -> None:
        """Forget the client. Safe to call twice."""
        self._idle.cancel()
        if self._socket.fileno() != -1:
            self._proxy.loop.remove_reader(self._socket)
            self._socket.close()
            self._proxy.forget(self._address)

    def _readable(self) -> None:
        self._touch()
        with contextlib.suppress(OSError):
            self._proxy.answer(self._socket.recv(_CHUNK), self._address, self._asked)

    def _touch(self) -> None:
        self._idle.cancel()
        self._idle = self._proxy.loop.call_later(_UDP_IDLE, self.close)
