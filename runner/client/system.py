"""The system endpoints."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query
    from runner.client.http import Response


def version(client: EngineClient) -> dict[str, Any]:
    """The engine's version and its components'."""
    answer: dict[str, Any] = client.json("GET", "/version")
    return answer


def info(client: EngineClient) -> dict[str, Any]:
    """The engine's state and the host's."""
    answer: dict[str, Any] = client.json("GET", "/info")
    return answer


def events(client: EngineClient, query: Query) -> Response:
    """What happens, a JSON document each, until the time asked for or for ever."""
    return client.call("GET", "/events", query=query)


def disk_usage(client: EngineClient) -> dict[str, Any]:
    """What takes how much room."""
    answer: dict[str, Any] = client.json("GET", "/system/df")
    return answer


def prune_build_cache(client: EngineClient, filters: str, *, everything: bool) -> dict[str, Any]:
    """Remove what builds have left behind."""
    query: Query = {"filters": filters or "{}"}
    if everything:
        query["all"] = "1"
    answer: dict[str, Any] = client.json("POST", "/build/prune", query=query)
    return answer


def ping(client: EngineClient) -> None:
    """Return when the engine answers. Raises what `EngineClient.call` raises."""
    client.run("GET", "/_ping")


def log_in(client: EngineClient, credentials: dict[str, str]) -> dict[str, Any]:
    """Have the engine try credentials on their registry; its status and identity token."""
    answer: dict[str, Any] = client.json("POST", "/auth", body=credentials)
    return answer
