"""HTTP as a fuzzer needs it: whatever bytes, a deadline, and answers that may never end."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import socket
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 1 << 20
"""Bytes of an answer that are read; more would only cost time."""


class HangError(Exception):
    """No answer within the limit."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One request. `target` is a path with its query, as it goes on the wire."""

    method: str
    target: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    half_close: bool = False
    """Whether the client says, by closing its direction, that nothing more will come."""

    def encode(self) -> bytes:
        """The bytes of it; nothing in it is checked."""
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: localhost", "Connection: close"]
        names = {name.lower() for name, _ in self.headers}
        if self.body is not None and not names & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + (self.body or b"")

    def __str__(self) -> str:
        body = b"" if self.body is None else self.body[:100]
        return f"{self.method} {self.target} {dict(self.headers)} {body!r}"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What came of it. `status` is 0 when the engine closed the connection without an answer."""

    status: int
    media_type: str = ""
    body: bytes = b""


def target(path: str, query: list[tuple[str, str]]) -> str:
    """A path and a query, escaped as a well-behaved client does."""
    escaped = quote(path, safe="/:@%", errors="surrogatepass")
    return f"{escaped}?{urlencode(query, errors='surrogatepass')}" if query else escaped


def send(path: Path, request: Request, *, limit: float, patience: float | None) -> Seen:
    """Send it and read the answer, raising HangError after `limit` seconds.

    An answer that may last is read for `patience` seconds only, then the connection is closed.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(limit)
        connection.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request.encode())
            if request.half_close:
                connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection, method=request.method)
        try:
            response.begin()
            media_type = response.headers.get_content_type() if response.headers else ""
            return Seen(response.status, media_type, _read(connection, response, limit, patience))
        except TimeoutError as error:
            raise HangError(f"no answer in {limit} s") from error
        except (http.client.HTTPException, OSError, ValueError):
            return Seen(0)
        finally:
            response.close()


def _read(
    connection: socket.socket,
    response: http.client.HTTPResponse,
    limit: float,
    patience: float | None,
) -> bytes:
    body = b""
    deadline = time.monotonic() + (limit if patience is None else patience)
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        while (left := deadline - time.monotonic()) > 0 and len(body) < _MOST:
            connection.settimeout(left)
            try:
                if not (piece := response.read1(65536)):
                    return body
            except TimeoutError:
                break
            body += piece
    if patience is None and len(body) < _MOST and time.monotonic() >= deadline:
        raise HangError(f"the answer does not end in {limit} s")
    return body
