"""Plain HTTP over a unix socket: what the Engine API really answers, without a client between."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class UnixConnection(http.client.HTTPConnection):
    """http.client over a unix socket."""

    def __init__(self, path: Path | str, *, timeout: float = 60) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self) -> None:
        """Connect to the socket instead of to a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclasses.dataclass(frozen=True)
class Answer:
    """A whole HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; None when it is empty."""
        return json.loads(self.body) if self.body else None

    @property
    def message(self) -> str:
        """The Engine API's error text."""
        decoded = self.json()
        return str(decoded["message"]) if isinstance(decoded, dict) else ""


def request(
    path: Path | str,
    method: str,
    target: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Answer:
    """One request; `body` is sent as it is when it is bytes, otherwise as JSON."""
    sent = dict(headers or {})
    payload: bytes | None = None
    if isinstance(body, bytes):
        payload = body
        sent.setdefault("Content-Type", "application/x-tar")
    elif body is not None:
        payload = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = UnixConnection(path, timeout=timeout)
    try:
        connection.request(method, target, payload, sent)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def answers_ping(path: Path | str) -> bool:
    """Whether an Engine API serves on the socket."""
    try:
        return request(path, "GET", "/_ping", timeout=2).status == 200
    except (OSError, http.client.HTTPException):
        return False
