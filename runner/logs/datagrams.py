"""A connected datagram socket: syslog's and the journal's."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from runner.linux.ready import until_writable

if TYPE_CHECKING:
    from collections.abc import Callable


class Datagrams:
    """Sends datagrams to one peer, waiting while the peer's queue is full."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected

    @classmethod
    def to(cls, path: str) -> Datagrams:
        """Connected to a unix socket. Raises OSError."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.connect(path)
        except BaseException:
            made.close()
            raise
        return cls(made)

    async def send(self, data: bytes) -> None:
        """Send one datagram. Raises OSError."""
        await self._when_writable(lambda: self._socket.send(data))

    async def send_file(self, fd: int) -> None:
        """Send an empty datagram that carries a descriptor. Raises OSError."""
        await self._when_writable(lambda: socket.send_fds(self._socket, [b""], [fd]))

    async def close(self) -> None:
        """Close the socket. Idempotent."""
        self._socket.close()

    async def _when_writable(self, send: Callable[[], int]) -> None:
        while True:
            try:
                send()
            except BlockingIOError:
                await until_writable(self._socket)
            else:
                return
