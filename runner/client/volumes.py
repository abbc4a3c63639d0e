"""The volume endpoints."""

from __future__ import annotations

from runner.client.client import filtered, trimmed
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient


def create(client: EngineClient, body: dict[str, Any]) -> dict[str, Any]:
    """Create one, or find the one of that name: the volume."""
    answer: dict[str, Any] = client.json("POST", "/volumes/create", body=body)
    return answer


def list_volumes(client: EngineClient, filters: str) -> list[dict[str, Any]]:
    """Those that fit, in no order."""
    answer = client.json("GET", "/volumes", query=filtered(filters))
    return answer["Volumes"] or []


def inspect(client: EngineClient, ref: str) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    answer: dict[str, Any] = client.json("GET", _path(ref))
    return answer


def remove(client: EngineClient, ref: str, *, force: bool = False) -> None:
    """Remove it; by force, having none to remove is success."""
    client.run("DELETE", _path(ref), query={"force": "1"} if force else {})


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that nobody uses."""
    answer: dict[str, Any] = client.json("POST", "/volumes/prune", query=filtered(filters))
    return answer


def _path(ref: str) -> str:
    return f"/volumes/{quote(trimmed('volume', ref))}"
