"""The little of HTTP/1.1 that the Engine API needs (RFC 9112)."""

from __future__ import annotations

from runner.client import jsontext
from runner.client.errors import UnexpectedAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.client.transport import Connection

_HEAD_LIMIT = 1 << 20
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(text: str, safe: bytes = b"") -> str:
    """Percent-encode all but unreserved characters (RFC 3986) and those named safe."""
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(
        chr(byte) if byte in _UNRESERVED or byte in safe else f"%{byte:02X}" for byte in raw
    )


def query_string(parameters: dict[str, str | list[str]]) -> str:
    """`?a=1&b=2`, keys sorted as Go's url.Values does; empty when there are none."""
    pairs = [
        f"{quote(key)}={quote(value, b' ').replace(' ', '+')}"
        for key in sorted(parameters)
        for value in _as_list(parameters[key])
    ]
    return "?" + "&".join(pairs) if pairs else ""


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def request_head(method: str, target: str, headers: dict[str, str]) -> bytes:
    """The request line and headers, ready to send."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Response:
    """An answer whose head has been read; its body still waits on the connection."""

    def __init__(
        self,
        connection: Connection,
        status: int,
        headers: dict[str, str],
        *,
        bodiless: bool = False,
    ) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        """Names in lower case."""
        self._bodiless = bodiless or status in (101, 204, 304)
        self.finished = bodiless
        """Whether the body has been read to its end, so that the connection is free again."""

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives. Raises UnexpectedAnswer when it breaks off."""
        if self._bodiless:
            pieces: Iterator[bytes] = iter(())
        elif "chunked" in self.headers.get("transfer-encoding", "").lower():
            pieces = self._chunked()
        elif "content-length" in self.headers:
            pieces = self._counted(int(self.headers["content-length"]))
        else:
            self.connection.reusable = False
            pieces = iter(self.connection.receive, b"")
        yield from pieces
        self.finished = True
        if self.connection.span is not None:
            self.connection.span.end()

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks())

    def json(self) -> Any:
        """The whole body, parsed. Raises UnexpectedAnswer when it is not JSON."""
        body = self.read()
        try:
            return jsontext.loads(body)
        except ValueError as err:
            raise UnexpectedAnswer(f"the engine's answer is not JSON: {body[:80]!r}") from err

    def _counted(self, left: int) -> Iterator[bytes]:
        while left:
            data = self.connection.receive(left)
            if not data:
                raise UnexpectedAnswer("unexpected EOF")
            left -= len(data)
            yield data

    def _chunked(self) -> Iterator[bytes]:
        while size := _chunk_size(self.connection.read_line()):
            yield from self._counted(size)
            self.connection.read_line()
        while self.connection.read_line():
            pass  # trailers


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as err:
        raise UnexpectedAnswer(f"malformed chunk: {line!r}") from err


def read_response(connection: Connection, *, bodiless: bool = False) -> Response:
    """Read the head of an answer. Raises UnexpectedAnswer when it is not HTTP."""
    status = _status(connection.read_line())
    headers: dict[str, str] = {}
    size = 0
    while line := connection.read_line():
        size += len(line)
        name, separator, value = line.decode("latin-1").partition(":")
        if not separator or size > _HEAD_LIMIT:
            raise UnexpectedAnswer("malformed HTTP response header")
        headers[name.strip().lower()] = value.strip()
    if "close" in headers.get("connection", "").lower():
        connection.reusable = False
    return Response(connection, status, headers, bodiless=bodiless)


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise UnexpectedAnswer(f"malformed HTTP response {line[:64].decode('latin-1')!r}")
    return int(rest[:3])
