"""The client of one engine: versioned requests, errors as classes, one idle connection kept."""

from __future__ import annotations

from runner.client import http, jsontext
from runner.client.address import parse_host
from runner.client.errors import ClientError, ConnectionFailed, UnexpectedAnswer, from_response
from runner.client.transport import connect
from runner.types.errors import InvalidParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from runner.client.tls import TLSFiles
    from runner.client.tracing import Tracing
    from runner.client.transport import Connection

    Query = dict[str, str | list[str]]

API_VERSION = "1.51"
"""The newest API version that this client speaks."""
MINIMUM_API_VERSION = "1.44"
"""The oldest: below it, settings that the user gave would silently be lost."""


class EngineClient:
    """Requests to the engine at `host`.

    The newest version is assumed; only an engine that refuses it is asked which one it speaks
    (it says so in its refusal), so that the usual command costs no round trip for it.
    """

    def __init__(
        self,
        host: str,
        *,
        tls: TLSFiles | None = None,
        unreachable: Callable[[ConnectionFailed], None] | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """`unreachable` is called once when nobody answers; it mends that, or raises."""
        self.address = parse_host(host, tls=tls is not None)
        self.version = API_VERSION
        self.tracing = tracing
        self._tls = tls
        self._unreachable = unreachable
        self._idle: list[Connection] = []

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> http.Response:
        """Send a request, return the answer with its body unread.

        Raises the error class that the status means; ConnectionFailed when nobody answers.
        """
        bodiless = method == "HEAD"
        sent = self.send(method, path, query=query, body=body, headers=headers)
        try:
            return self.checked(sent, bodiless=bodiless)
        except _VersionRefused as refusal:
            self._downgrade(refusal)
        sent = self.send(method, path, query=query, body=body, headers=headers)
        return self.checked(sent, bodiless=bodiless)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        stream: Iterable[bytes] | None = None,
    ) -> Connection:
        """Send a request and leave its answer for `checked` to read.

        `body` goes as JSON, `stream` as it is, in chunks.
        """
        fields = {"Host": "api.moby.localhost", "User-Agent": "runner-client"} | (headers or {})
        payload = b""
        if body is not None:
            payload = jsontext.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        if stream is not None:
            fields["Transfer-Encoding"] = "chunked"
        elif method == "POST":
            fields["Content-Length"] = str(len(payload))
        target = f"/v{self.version}{path}{http.query_string(query or {})}"
        connection = self._idle.pop() if self._idle else self.connect()
        connection.span = None
        if self.tracing is not None:
            connection.span = self.tracing.request(method, path, body)
            fields["traceparent"] = self.tracing.header(connection.span)
        connection.send(http.request_head(method, target, fields) + payload)
        if stream is not None:
            _send_chunks(connection, stream)
        return connection

    def checked(self, connection: Connection, *, bodiless: bool = False) -> http.Response:
        """Read the answer's head. Raises the error class that its status means.

        The answer to a HEAD request is bodiless, whatever length it speaks of.
        """
        try:
            response = http.read_response(connection, bodiless=bodiless)
        except UnexpectedAnswer:
            connection.close()
            raise
        if connection.span is not None:
            connection.span.answered(response.status)
        if response.status < 400:
            return response
        body = response.read()
        self.release(response)
        error = from_response(response.status, body, f"{self.address.host}/v{self.version}")
        if connection.span is not None:
            connection.span.end(error.message)
        supported = response.headers.get("api-version", "")
        if isinstance(error, InvalidParameter) and "client version" in error.message and supported:
            raise _VersionRefused(error.message, supported)
        raise error

    def finish(self, connection: Connection) -> None:
        """Read an answer that matters only for its status."""
        response = self.checked(connection)
        response.read()
        self.release(response)

    def json(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> Any:
        """Call and parse the answer; None when it has no body."""
        response = self.call(method, path, query=query, body=body)
        try:
            if response.status in (204, 304):
                return response.read() or None
            return response.json()
        finally:
            self.release(response)

    def run(self, method: str, path: str, *, query: Query | None = None, body: Any = None) -> None:
        """Call for the effect only."""
        response = self.call(method, path, query=query, body=body)
        response.read()
        self.release(response)

    def connect(self) -> Connection:
        """A fresh connection, the caller's to close."""
        try:
            return connect(self.address, self._tls)
        except ConnectionFailed as failure:
            mend, self._unreachable = self._unreachable, None
            if mend is None:
                raise
            mend(failure)
        return connect(self.address, self._tls)

    def close(self) -> None:
        """Close the connections that wait for a next request."""
        while self._idle:
            self._idle.pop().close()

    def release(self, response: http.Response) -> None:
        """Give the answer's connection back for the next request, if it can serve one."""
        if response.finished and response.connection.reusable:
            self._idle.append(response.connection)
        else:
            response.connection.close()

    def _downgrade(self, refusal: _VersionRefused) -> None:
        if _number(refusal.supported) < _number(MINIMUM_API_VERSION):
            raise ClientError(
                f"the engine at {self.address.host} speaks API {refusal.supported}, "
                f"runner needs {MINIMUM_API_VERSION} or newer"
            )
        if _number(refusal.supported) >= _number(self.version):
            raise InvalidParameter(refusal.message)
        self.version = refusal.supported


class _VersionRefused(InvalidParameter):
    """The engine does not speak our version; `supported` is its own."""

    def __init__(self, message: str, supported: str) -> None:
        super().__init__(message)
        self.supported = supported


def trimmed(kind: str, ref: str) -> str:
    """A name or ID without spaces around it. Raises ClientError when nothing is left."""
    ref = ref.strip()
    if not ref:
        raise ClientError(f"invalid {kind} name or ID: value is empty")
    return ref


def filtered(filters: str) -> Query:
    """The query of a request that may have filters (`filters.to_json`)."""
    return {"filters": filters} if filters else {}


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _send_chunks(connection: Connection, stream: Iterable[bytes]) -> None:
    """Send a body in chunks; stop early when the engine has already answered and hung up."""
    try:
        for chunk in stream:
            connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        connection.send(b"0\r\n\r\n")
    except UnexpectedAnswer:
        connection.reusable = False
