"""The endpoints of processes that are started in running containers."""

from __future__ import annotations

from runner.client.containers import container_path, receive_upgraded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query
    from runner.client.transport import Connection


def create(client: EngineClient, ref: str, body: dict[str, Any]) -> str:
    """Prepare a process; its ID."""
    answer: dict[str, Any] = client.json("POST", container_path(ref, "/exec"), body=body)
    identity: str = answer["Id"]
    return identity


def start(client: EngineClient, identity: str, body: dict[str, Any]) -> None:
    """Start it and leave it alone."""
    client.run("POST", f"/exec/{identity}/start", body=body)


def attach(client: EngineClient, identity: str, body: dict[str, Any]) -> Connection:
    """Start it; the connection is its streams from here on. Raises the engine's error."""
    headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
    sent = client.send("POST", f"/exec/{identity}/start", body=body, headers=headers)
    return receive_upgraded(client, sent)


def resize(client: EngineClient, identity: str, height: int, width: int) -> None:
    """Tell its terminal the new size, in characters."""
    query: Query = {"h": str(height), "w": str(width)}
    client.run("POST", f"/exec/{identity}/resize", query=query)


def inspect(client: EngineClient, identity: str) -> dict[str, Any]:
    """Whether it runs, and its exit code."""
    answer: dict[str, Any] = client.json("GET", f"/exec/{identity}/json")
    return answer
