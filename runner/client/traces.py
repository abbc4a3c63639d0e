"""Traces that the engine keeps: none of the Engine API's, without version, and never traced."""

from __future__ import annotations

from runner.client import http, jsontext
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient
    from runner.client.tracing import Document, Tracing


def collect(client: EngineClient, tracing: Tracing) -> list[Document]:
    """The whole road: the command's steps, which the engine is given, and the engine's."""
    try:
        send(client, tracing)
        answer = _call(client, "GET", _path(tracing)).json()
    except RunnerError:
        return tracing.documents()  # another engine, which does not tell, or gone
    spans: list[Document] = answer["spans"]
    return spans


def send(client: EngineClient, tracing: Tracing) -> None:
    """Give the engine the command's steps. Raises RunnerError."""
    _call(client, "POST", _path(tracing), tracing.documents()).read()


def _path(tracing: Tracing) -> str:
    return f"/runner/traces/{tracing.trace_id}"


def _call(client: EngineClient, method: str, path: str, body: Any = None) -> http.Response:
    payload = b"" if body is None else jsontext.dumps(body).encode()
    fields = {"Host": "api.moby.localhost", "Content-Type": "application/json"}
    fields["Content-Length"] = str(len(payload))
    connection = client.connect()
    connection.send(http.request_head(method, path, fields) + payload)
    return client.checked(connection)
