"""The network endpoints."""

from __future__ import annotations

from runner.client.client import filtered, trimmed
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query


def list_networks(client: EngineClient, filters: str) -> list[dict[str, Any]]:
    """Those that pass the filters."""
    answer: list[dict[str, Any]] = client.json("GET", "/networks", query=filtered(filters))
    return answer


def inspect(client: EngineClient, ref: str, *, verbose: bool = False) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    query: Query = {"verbose": "true"} if verbose else {}
    answer: dict[str, Any] = client.json("GET", _path(ref), query=query)
    return answer


def create(client: EngineClient, body: dict[str, Any]) -> dict[str, Any]:
    """Make one; the answer has its ID."""
    answer: dict[str, Any] = client.json("POST", "/networks/create", body=body)
    return answer


def connect(client: EngineClient, ref: str, container: str, settings: dict[str, Any]) -> None:
    """Put a container on it."""
    body = {"Container": trimmed("container", container), "EndpointConfig": settings}
    client.run("POST", _path(ref, "/connect"), body=body)


def disconnect(client: EngineClient, ref: str, container: str, *, force: bool) -> None:
    """Take a container off it."""
    body = {"Container": trimmed("container", container), "Force": force}
    client.run("POST", _path(ref, "/disconnect"), body=body)


def remove(client: EngineClient, ref: str) -> None:
    """Remove it."""
    client.run("DELETE", _path(ref))


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that nobody uses."""
    answer: dict[str, Any] = client.json("POST", "/networks/prune", query=filtered(filters))
    return answer


def _path(ref: str, action: str = "") -> str:
    return f"/networks/{quote(trimmed('network', ref))}{action}"
