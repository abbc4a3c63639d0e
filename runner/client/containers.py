"""The container endpoints."""

from __future__ import annotations

from runner.client import jsontext
from runner.client.client import filtered, trimmed
from runner.client.errors import ClientError
from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.client.client import EngineClient, Query
    from runner.client.http import Response
    from runner.client.transport import Connection


def container_path(ref: str, action: str = "") -> str:
    return f"/containers/{quote(trimmed('container', ref))}{action}"


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
    client.run("POST", container_path(ref, "/start"))


def send_start(client: EngineClient, ref: str) -> Connection:
    """Start it, leaving the answer for `EngineClient.checked`."""
    return client.send("POST", container_path(ref, "/start"))


def send_stop(
    client: EngineClient, ref: str, *, signal: str = "", timeout: int | None = None
) -> Connection:
    """Stop it, killing it after `timeout` seconds; already stopped is success."""
    query: Query = {"signal": signal} if signal else {}
    if timeout is not None:
        query["t"] = str(timeout)
    return client.send("POST", container_path(ref, "/stop"), query=query)


def restart(
    client: EngineClient, ref: str, *, signal: str = "", timeout: int | None = None
) -> None:
    """Stop it as `send_stop` does, and start it again."""
    query: Query = {"signal": signal} if signal else {}
    if timeout is not None:
        query["t"] = str(timeout)
    client.run("POST", container_path(ref, "/restart"), query=query)


def send_pause(client: EngineClient, ref: str) -> Connection:
    """Freeze its processes."""
    return client.send("POST", container_path(ref, "/pause"))


def send_unpause(client: EngineClient, ref: str) -> Connection:
    """Let them go on."""
    return client.send("POST", container_path(ref, "/unpause"))


def send_kill(client: EngineClient, ref: str, signal: str = "") -> Connection:
    """Send a signal, SIGKILL when none is named."""
    query: Query = {"signal": signal} if signal else {}
    return client.send("POST", container_path(ref, "/kill"), query=query)


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
    return client.send("DELETE", container_path(ref), query=query)


def remove(client: EngineClient, ref: str, *, force: bool = False, volumes: bool = False) -> None:
    """Remove it and wait for the answer."""
    client.finish(send_remove(client, ref, force=force, volumes=volumes))


def rename(client: EngineClient, ref: str, name: str) -> None:
    """Give it another name."""
    client.run("POST", container_path(ref, "/rename"), query={"name": name})


def resize(client: EngineClient, ref: str, height: int, width: int) -> None:
    """Tell its terminal the new size, in characters."""
    client.run("POST", container_path(ref, "/resize"), query={"h": str(height), "w": str(width)})


def inspect(client: EngineClient, ref: str, *, size: bool = False) -> dict[str, Any]:
    """Everything about it, as the engine says it."""
    answer: dict[str, Any] = client.json(
        "GET", container_path(ref, "/json"), query={"size": "1"} if size else {}
    )
    return answer


def update(client: EngineClient, ref: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change its limits and its restart policy: `{"Warnings": […]}`."""
    answer: dict[str, Any] = client.json("POST", container_path(ref, "/update"), body=body)
    return answer


def top(client: EngineClient, ref: str, ps_arguments: list[str]) -> dict[str, Any]:
    """Its processes as ps shows them: `{"Titles": […], "Processes": [[…], …]}`."""
    query: Query = {"ps_args": " ".join(ps_arguments)} if ps_arguments else {}
    answer: dict[str, Any] = client.json("GET", container_path(ref, "/top"), query=query)
    return answer


def changes(client: EngineClient, ref: str) -> list[dict[str, Any]]:
    """What differs from its image: `[{"Path": …, "Kind": 0|1|2}, …]`."""
    answer: list[dict[str, Any]] | None = client.json("GET", container_path(ref, "/changes"))
    return answer or []


def export(client: EngineClient, ref: str) -> Response:
    """Its file system as a tar stream."""
    return client.call("GET", container_path(ref, "/export"))


def commit(client: EngineClient, ref: str, query: Query) -> str:
    """Make an image of it; the image's ID."""
    query = query | {"container": trimmed("container", ref)}
    answer: dict[str, Any] = client.json("POST", "/commit", query=query)
    identity: str = answer["Id"]
    return identity


def send_stats(client: EngineClient, ref: str, *, stream: bool) -> Connection:
    """Ask for its use of resources, once or again and again; a stream of JSON documents."""
    return client.send(
        "GET", container_path(ref, "/stats"), query={"stream": "1" if stream else "0"}
    )


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that do not run."""
    answer: dict[str, Any] = client.json("POST", "/containers/prune", query=filtered(filters))
    return answer


def list_containers(client: EngineClient, query: Query) -> list[dict[str, Any]]:
    """The containers, newest first."""
    answer: list[dict[str, Any]] = client.json("GET", "/containers/json", query=query)
    return answer


def logs(client: EngineClient, ref: str, query: Query) -> Response:
    """The log as a stream: raw for a terminal, multiplexed otherwise."""
    return client.call("GET", container_path(ref, "/logs"), query=query)


def stat_path(client: EngineClient, ref: str, path: str) -> dict[str, Any]:
    """What is at a path in it: `{"name": …, "size": …, "mode": …, "mtime": …, "linkTarget": …}`."""
    response = client.call("HEAD", container_path(ref, "/archive"), query={"path": path})
    client.release(response)
    return _stat_of(response)


def get_archive(client: EngineClient, ref: str, path: str) -> tuple[Response, dict[str, Any]]:
    """What is at a path as a tar stream, and its stat."""
    response = client.call("GET", container_path(ref, "/archive"), query={"path": path})
    return response, _stat_of(response)


def put_archive(
    client: EngineClient, ref: str, path: str, archive: Iterator[bytes], *, keep_owners: bool
) -> None:
    """Unpack a tar stream in a folder; folders do not replace files, nor files folders."""
    query: Query = {"path": path, "noOverwriteDirNonDir": "true"}
    if keep_owners:
        query["copyUIDGID"] = "true"
    client.finish(client.send("PUT", container_path(ref, "/archive"), query=query, stream=archive))


def _stat_of(response: Response) -> dict[str, Any]:
    from binascii import a2b_base64

    encoded = response.headers.get("x-docker-container-path-stat", "")
    try:
        stat: dict[str, Any] = jsontext.loads(a2b_base64(encoded))
    except ValueError as err:
        raise ClientError(f"unable to decode container path stat header: {err}") from None
    return stat


def bundle(client: EngineClient, ref: str) -> Response:
    """runner's own: the OCI bundle as a tar stream."""
    return client.call("GET", container_path(ref, "/bundle"))


def send_attach(client: EngineClient, ref: str, query: Query) -> Connection:
    """Ask for the container's streams; `receive_upgraded` takes the answer."""
    return client.send(
        "POST",
        container_path(ref, "/attach"),
        query=query,
        headers={"Connection": "Upgrade", "Upgrade": "tcp", "Content-Type": "text/plain"},
    )


def receive_upgraded(client: EngineClient, connection: Connection) -> Connection:
    """The upgraded connection, a raw stream from here on. Raises the engine's error."""
    response = client.checked(connection)
    if response.status != 101:
        connection.close()
        raise ClientError(f"unable to upgrade to tcp, received {response.status}")
    return connection


def send_wait(client: EngineClient, ref: str, condition: str) -> Connection:
    """Ask to be told of the exit; `receive_wait` returns once the engine listens for it."""
    query: Query = {"condition": condition} if condition else {}
    return client.send("POST", container_path(ref, "/wait"), query=query)


def receive_wait(client: EngineClient, connection: Connection) -> Response:
    """The answer's head: from here on no exit is missed, the body comes with the exit."""
    return client.checked(connection)
