"""An engine that only writes down what it is asked: two command lines can be compared by it.

It answers pings, keeps every other request and refuses it with a status of its own (418), so that
the client stops there.
"""

from __future__ import annotations

import dataclasses
import http.server
import json
import socketserver
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Request:
    """One request that came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the version and the query."""
        return self.target.partition("?")[0].removeprefix("/v1.51").removeprefix("/v1.50")

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Recorder:
    """A context manager: the recording engine at `host`, its `requests` so far."""

    def __init__(self, folder: Path, *, api_version: str = "1.51") -> None:
        self.socket = folder / "recorder.sock"
        self.host = f"unix://{self.socket}"
        self.requests: list[Request] = []
        self.api_version = api_version
        self._server = _Server(str(self.socket), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self) -> list[Request]:
        """The requests since the last call."""
        taken, self.requests = self.requests, []
        return taken


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _handler(recorder: Recorder) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _serve(self) -> None:
            body = self._body()
            if self.path.endswith("/_ping"):
                self._answer(200, b"OK")
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.requests.append(Request(self.command, self.path, headers, body))
            self._answer(418, b'{"message":"recorded"}')

        do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = _serve

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Api-Version", recorder.api_version)
            self.send_header("Ostype", "linux")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
