"""The system endpoints."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient


def version(client: EngineClient) -> dict[str, Any]:
    """The engine's version and its components'."""
    answer: dict[str, Any] = client.json("GET", "/version")
    return answer


def info(client: EngineClient) -> dict[str, Any]:
    """The engine's state and the host's."""
    answer: dict[str, Any] = client.json("GET", "/info")
    return answer


def ping(client: EngineClient) -> None:
    """Return when the engine answers. Raises what `EngineClient.call` raises."""
    client.run("GET", "/_ping")
