"""The network endpoints, as far as `inspect` and `prune` ask them."""

from __future__ import annotations

from runner.client.errors import ClientError
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query


def inspect(client: EngineClient, ref: str) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    ref = ref.strip()
    if not ref:
        raise ClientError("invalid network name or ID: value is empty")
    answer: dict[str, Any] = client.json("GET", f"/networks/{quote(ref)}")
    return answer


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that nobody uses."""
    query: Query = {"filters": filters} if filters else {}
    answer: dict[str, Any] = client.json("POST", "/networks/prune", query=query)
    return answer
