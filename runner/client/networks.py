"""The network endpoints."""

from __future__ import annotations

from runner.client.errors import ClientError
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query


def list_networks(client: EngineClient, filters: str) -> list[dict[str, Any]]:
    """Those that pass the filters."""
    query: Query = {"filters": filters} if filters else {}
    answer: list[dict[str, Any]] = client.json("GET", "/networks", query=query)
    return answer


def inspect(client: EngineClient, ref: str, *, verbose: bool = False) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    ref = _reference(ref)
    query: Query = {"verbose": "true"} if verbose else {}
    answer: dict[str, Any] = client.json("GET", f"/networks/{quote(ref)}", query=query)
    return answer


def create(client: EngineClient, body: dict[str, Any]) -> dict[str, Any]:
    """Make one; the answer has its ID."""
    answer: dict[str, Any] = client.json("POST", "/networks/create", body=body)
    return answer


def connect(client: EngineClient, ref: str, container: str, settings: dict[str, Any]) -> None:
    """Put a container on it."""
    body = {"Container": _container(container), "EndpointConfig": settings}
    client.run("POST", f"/networks/{quote(_reference(ref))}/connect", body=body)


def disconnect(client: EngineClient, ref: str, container: str, *, force: bool) -> None:
    """Take a container off it."""
    body = {"Container": _container(container), "Force": force}
    client.run("POST", f"/networks/{quote(_reference(ref))}/disconnect", body=body)


def remove(client: EngineClient, ref: str) -> None:
    """Remove it."""
    client.run("DELETE", f"/networks/{quote(_reference(ref))}")


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that nobody uses."""
    query: Query = {"filters": filters} if filters else {}
    answer: dict[str, Any] = client.json("POST", "/networks/prune", query=query)
    return answer


def _reference(ref: str) -> str:
    ref = ref.strip()
    if not ref:
        raise ClientError("invalid network name or ID: value is empty")
    return ref


def _container(ref: str) -> str:
    ref = ref.strip()
    if not ref:
        raise ClientError("invalid container name or ID: value is empty")
    return ref
