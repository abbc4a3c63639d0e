"""Connections to an engine: a unix socket, TCP, or TCP with TLS client certificates."""

from __future__ import annotations

# `socket` is a thin dress around this module and costs ten times its import.
import _socket

from runner.client.errors import ConnectionFailed, PermissionDenied, UnexpectedAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.client.address import Address

_PIECE = 65536
_LINE_LIMIT = 65536


class TLSFiles:
    """The PEM files of a TLS connection; without `ca` the server is not verified."""

    def __init__(self, ca: str = "", cert: str = "", key: str = "") -> None:
        self.ca = ca
        self.cert = cert
        self.key = key


class Connection:
    """One socket with a read buffer, for one request at a time. Who opens it closes it."""

    def __init__(self, sock: _socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.reusable = True

    def fileno(self) -> int:
        """The file descriptor, for poll."""
        return self.sock.fileno()

    def send(self, data: bytes) -> None:
        """Send all of it. Raises UnexpectedAnswer when the other end is gone."""
        try:
            self.sock.sendall(data)
        except OSError as err:
            raise UnexpectedAnswer(f"write: {(err.strerror or str(err)).lower()}") from err

    def receive(self, limit: int = _PIECE) -> bytes:
        """What is buffered, else what arrives next; empty at the end of the stream."""
        if not self.buffer:
            return self._recv(min(limit, _PIECE))
        data, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return data

    def read_line(self) -> bytes:
        """A line without its CRLF. Raises UnexpectedAnswer at the end of the stream."""
        while b"\n" not in self.buffer:
            data = self._recv(_PIECE)
            if not data:
                raise UnexpectedAnswer("unexpected EOF")
            self.buffer += data
            if len(self.buffer) > _LINE_LIMIT + _PIECE:
                raise UnexpectedAnswer("malformed HTTP response: line too long")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.removesuffix(b"\r")

    def _recv(self, limit: int) -> bytes:
        try:
            return self.sock.recv(limit)
        except OSError as err:
            raise UnexpectedAnswer(f"read: {(err.strerror or str(err)).lower()}") from err

    def close_write(self) -> None:
        """Half-close: the other end reads an end of file, and may still write."""
        # Not SSLSocket's own shutdown, which would end reading too.
        _socket.socket.shutdown(self.sock, _socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        self.sock.close()


def connect(address: Address, tls: TLSFiles | None = None) -> Connection:
    """Connect. Raises ConnectionFailed or PermissionDenied with docker's words."""
    try:
        if address.path:
            return Connection(_connect_unix(address.path))
        return Connection(_connect_tcp(address, tls))
    except PermissionError as err:
        raise PermissionDenied(
            "permission denied while trying to connect to the Docker daemon socket "
            f"at {address.host}: {err.strerror}"
        ) from err
    except OSError as err:
        raise ConnectionFailed(address.host, err) from err


def _connect_unix(path: str) -> _socket.socket:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    return _connected(sock, lambda: sock.connect(path))


def _connect_tcp(address: Address, tls: TLSFiles | None) -> _socket.socket:
    family, kind, protocol, _, where = _socket.getaddrinfo(
        address.name, address.port, 0, _socket.SOCK_STREAM
    )[0]
    if tls is not None:
        return _connect_tls(address, tls)
    sock = _socket.socket(family, kind | _socket.SOCK_CLOEXEC, protocol)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    return _connected(sock, lambda: sock.connect(where))


def _connected(sock: _socket.socket, attempt: Callable[[], None]) -> _socket.socket:
    try:
        attempt()
    except OSError:
        sock.close()
        raise
    return sock


def _connect_tls(address: Address, tls: TLSFiles) -> _socket.socket:
    import socket
    import ssl

    context = ssl.create_default_context(cafile=tls.ca or None)
    if not tls.ca:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key or None)
    plain = socket.create_connection((address.name, address.port))
    return context.wrap_socket(plain, server_hostname=address.name)
