"""Sockets in other network namespaces, and a machine beside this one.

A socket belongs to the namespace of the thread that makes it, so that a test holds both ends of a
conversation itself.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner.linux.libc import in_fresh_thread
from runner.network import netns
from tests.support.workspace import ip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT = 2.0
_LOOK = 0.05
"""Seconds between a server's looks whether it is to stop."""


def make_socket(
    key: str | None, kind: int = socket.SOCK_STREAM, family: int = socket.AF_INET
) -> socket.socket:
    """A socket in the namespace at `key`, or in this one."""

    def make() -> socket.socket:
        if key is not None:
            netns.enter(Path(key))
        made = socket.socket(family, kind)
        made.settimeout(TIMEOUT)
        return made

    return in_fresh_thread(make)


def inside(key: str, work: Callable[[], str]) -> str:
    """Run `work` in the namespace at `key`."""

    def run() -> str:
        netns.enter(Path(key))
        return work()

    return in_fresh_thread(run)


@contextlib.contextmanager
def tcp_server(key: str | None, port: int, address: str = "0.0.0.0") -> Iterator[None]:
    """Answers each connection with what was sent until its half-close, and the client's address."""
    with make_socket(key) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen()
        server.settimeout(_LOOK)
        with _serving(lambda: _answer(server)):
            yield


def _answer(server: socket.socket) -> None:
    connection, peer = server.accept()
    with connection:
        connection.settimeout(TIMEOUT)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        connection.sendall(received + f" from {peer[0]}".encode())


@contextlib.contextmanager
def udp_server(key: str | None, port: int) -> Iterator[None]:
    """Answers each datagram with itself, and the client's address."""
    with make_socket(key, socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", port))
        server.settimeout(_LOOK)

        def answer() -> None:
            data, peer = server.recvfrom(65536)
            server.sendto(data + f" from {peer[0]}".encode(), peer)

        with _serving(answer):
            yield


@contextlib.contextmanager
def _serving(answer: Callable[[], None]) -> Iterator[None]:
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                answer()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(TIMEOUT + 1)


def ask_tcp(key: str | None, address: str, port: int, text: str = "hello") -> str:
    """Connect, send, half-close, and read the answer to its end. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with make_socket(key, family=family) as client:
        client.connect((address, port))
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    return received.decode()


def ask_udp(key: str | None, address: str, port: int, text: str = "hello") -> str:
    """Send a datagram and wait for the answer, from that address and no other. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with make_socket(key, socket.SOCK_DGRAM, family) as client:
        client.connect((address, port))
        client.send(text.encode())
        return client.recv(65536).decode()


class Neighbour:
    """Another machine on a network of this host's: a namespace with a cable to it."""

    def __init__(self, tag: str, directory: Path, here: str, there: str) -> None:
        """`here` and `there` are the two addresses, of one /24."""
        self.address, self.host_address = there, here
        self._link = f"nc{tag}"
        self._key = directory / f"neighbour-{tag}"

    @property
    def key(self) -> str:
        """The file that holds the namespace."""
        return str(self._key)

    def __enter__(self) -> Self:
        in_fresh_thread(lambda: netns.create(self._key))
        inside_ = f"{self._link}p"
        ip("link", "add", self._link, "type", "veth", "peer", "name", inside_)
        ip("address", "add", f"{self.host_address}/24", "dev", self._link)
        ip("link", "set", self._link, "up")
        ip("link", "set", inside_, "netns", self.key)
        self._ip(f"address add {self.address}/24 dev {inside_}")
        self._ip(f"link set {inside_} up")
        self._ip(f"route add default via {self.host_address}")
        return self

    def _ip(self, command: str) -> None:
        inside(self.key, lambda: ip(*command.split()))

    def __exit__(self, *_: object) -> None:
        netns.remove(self._key)
        ip("link", "delete", self._link, check=False)
