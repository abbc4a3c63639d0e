"""The container endpoints."""

from __future__ import annotations

from runner.client.errors import ClientError
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.client import EngineClient, Query
    from runner.client.http import Response
    from runner.client.transport import Connection


def _path(ref: str, action: str = "") -> str:
    ref = ref.strip()
    if not ref:
        raise ClientError("invalid container name or ID: value is empty")
    return f"/containers/{quote(ref)}{action}"


def create(
    client: EngineClient, body: dict[str, Any], *, name: str = "", platform: str = ""
) -> dict[str, Any]:
    """Create a container: `{"Id": …, "Warnings": […]}`."""
    query: Query = {}
    if name:
        query["name"] = name
    if platform:
        query["platform"] = platform
    answer: dict[str, Any] = client.json("POST", "/containers/create", query=query, body=body)
    return answer


def start(client: EngineClient, ref: str) -> None:
    """Start it; already running is success."""
    client.run("POST", _path(ref, "/start"))


def send_start(client: EngineClient, ref: str) -> Connection:
    """Start it, leaving the answer for `EngineClient.checked`."""
    return client.send("POST", _path(ref, "/start"))


def send_stop(
    client: EngineClient, ref: str, *, signal: str = "", timeout: int | None = None
) -> Connection:
    """Stop it, killing it after `timeout` seconds; already stopped is success."""
    query: Query = {"signal": signal} if signal else {}
    if timeout is not None:
        query["t"] = str(timeout)
    return client.send("POST", _path(ref, "/stop"), query=query)


def send_kill(client: EngineClient, ref: str, signal: str = "") -> Connection:
    """Send a signal, SIGKILL when none is named."""
    query: Query = {"signal": signal} if signal else {}
    return client.send("POST", _path(ref, "/kill"), query=query)


def kill(client: EngineClient, ref: str, signal: str) -> None:
    """Send a signal and wait for the answer."""
    client.finish(send_kill(client, ref, signal))


def send_remove(
    client: EngineClient,
    ref: str,
    *,
    force: bool = False,
    volumes: bool = False,
    link: bool = False,
) -> Connection:
    """Remove it, or only a link to it."""
    asked = {"force": force, "link": link, "v": volumes}
    query: Query = {key: "1" for key, wanted in asked.items() if wanted}
    return client.send("DELETE", _path(ref), query=query)


def remove(client: EngineClient, ref: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove it and wait for the answer."""
    client.finish(send_remove(client, ref, force=force, volumes=volumes))


def rename(client: EngineClient, ref: str, name: str) -> None:
    """Give it another name."""
    client.run("POST", _path(ref, "/rename"), query={"name": name})


def resize(client: EngineClient, ref: str, height: int, width: int) -> None:
    """Tell its terminal the new size, in characters."""
    client.run("POST", _path(ref, "/resize"), query={"h": str(height), "w": str(width)})


def inspect(client: EngineClient, ref: str, *, size: bool = False) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    answer: dict[str, Any] = client.json(
        "GET", _path(ref, "/json"), query={"size": "1"} if size else {}
    )
    return answer


def list_containers(client: EngineClient, query: Query) -> list[dict[str, Any]]:
    """The containers, newest first."""
    answer: list[dict[str, Any]] = client.json("GET", "/containers/json", query=query)
    return answer


def logs(client: EngineClient, ref: str, query: Query) -> Response:
    """The log as a stream: raw for a terminal, multiplexed otherwise."""
    return client.call("GET", _path(ref, "/logs"), query=query)


def bundle(client: EngineClient, ref: str) -> Response:
    """runner's own: the OCI bundle as a tar stream."""
    return client.call("GET", _path(ref, "/bundle"))


def send_attach(client: EngineClient, ref: str, query: Query) -> Connection:
    """Ask for the container's streams; `receive_attach` takes the answer."""
    return client.send(
        "POST",
        _path(ref, "/attach"),
        query=query,
        headers={"Connection": "Upgrade", "Upgrade": "tcp", "Content-Type": "text/plain"},
    )


def receive_attach(client: EngineClient, connection: Connection) -> Connection:
    """The upgraded connection, a raw stream from here on. Raises the engine's error."""
    response = client.checked(connection)
    if response.status != 101:
        connection.close()
        raise ClientError(f"unable to upgrade to tcp, received {response.status}")
    return connection


def send_wait(client: EngineClient, ref: str, condition: str) -> Connection:
    """Ask to be told of the exit; `receive_wait` returns once the engine listens for it."""
    query: Query = {"condition": condition} if condition else {}
    return client.send("POST", _path(ref, "/wait"), query=query)


def receive_wait(client: EngineClient, connection: Connection) -> Response:
    """The answer's head: from here on no exit is missed, the body comes with the exit."""
    return client.checked(connection)
