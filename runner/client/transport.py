"""Connections to an engine: a unix socket, TCP, or TCP with TLS client certificates."""

from __future__ import annotations

# `socket` is a thin dress around this module and costs ten times its import.
import _socket

from runner.client.errors import ClientError, ConnectionFailed, PermissionDenied, UnexpectedAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.client.address import Address
    from runner.client.tls import TLSFiles, TLSSocket
    from runner.client.tracing import Span

    Socket = _socket.socket | TLSSocket

_PIECE = 65536
_LINE_LIMIT = 65536


class Connection:
    """One socket with a read buffer, for one request at a time. Who opens it closes it."""

    def __init__(self, sock: Socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.reusable = True
        self.span: Span | None = None
        """The step that the request under way is, where it is traced."""

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

    def pending(self) -> bool:
        """Whether `sock.recv` has something that poll does not know of."""
        return not isinstance(self.sock, _socket.socket) and self.sock.pending()

    def flush(self) -> None:
        """Bring out what `sock.send` has taken. Raises BlockingIOError while that must wait."""
        if not isinstance(self.sock, _socket.socket):
            self.sock.flush()

    def close_write(self) -> None:
        """Half-close: the other end reads an end of file, and may still write."""
        if isinstance(self.sock, _socket.socket):
            self.sock.shutdown(_socket.SHUT_WR)
        else:
            self.sock.close_write()

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
            f"at {address.host}: {err.strerror}; use sudo, or join the group that has the socket"
        ) from err
    except OSError as err:
        raise ConnectionFailed(address.host, err) from err


def _connect_unix(path: str) -> _socket.socket:
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    return _connected(sock, lambda: sock.connect(path))


def _connect_tcp(address: Address, tls: TLSFiles | None) -> Socket:
    family, kind, protocol, _, where = _socket.getaddrinfo(
        address.name, address.port, 0, _socket.SOCK_STREAM
    )[0]
    sock = _socket.socket(family, kind | _socket.SOCK_CLOEXEC, protocol)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    _connected(sock, lambda: sock.connect(where))
    if tls is None:
        return sock
    from runner.client.tls import TLSSocket

    try:
        return TLSSocket(sock, tls, address.name)
    except OSError as err:
        sock.close()
        reason = f"{err.strerror or err}" + (f": {err.filename}" if err.filename else "")
        raise ClientError(f"error during connect: {address.host}: {reason}") from err


def _connected(sock: _socket.socket, attempt: Callable[[], None]) -> _socket.socket:
    try:
        attempt()
    except OSError:
        sock.close()
        raise
    return sock
