"""The image endpoints."""

from __future__ import annotations

import os

from runner.client.http import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.client.client import EngineClient, Query
    from runner.client.http import Response

_PIECE = 1 << 20


def pull(
    client: EngineClient, name: str, tag: str, *, platform: str = "", registry_auth: str = ""
) -> Response:
    """Pull `name` at a tag or digest ("" for all tags); a stream of progress messages."""
    query: Query = {"fromImage": name, "tag": tag}
    if platform:
        query["platform"] = platform
    headers = {"X-Registry-Auth": registry_auth} if registry_auth else None
    return client.call("POST", "/images/create", query=query, headers=headers)


def push(
    client: EngineClient, name: str, tag: str, *, platform: str = "", registry_auth: str = ""
) -> Response:
    """Push `name` at a tag ("" for all tags); a stream of progress messages."""
    query: Query = {"tag": tag} if tag else {}
    if platform:
        query["platform"] = platform
    path = f"/images/{quote(name, b'/:')}/push"
    headers = {"X-Registry-Auth": registry_auth}
    return client.call("POST", path, query=query, body={}, headers=headers)


def save(client: EngineClient, names: list[str], *, platform: str = "") -> Response:
    """The images in one archive."""
    query: Query = {"names": names}
    if platform:
        query["platform"] = platform
    return client.call("GET", "/images/get", query=query)


def remove(
    client: EngineClient, ref: str, *, force: bool, prune: bool, platforms: list[str]
) -> list[dict[str, str]]:
    """Take a name, or the image with it; what was untagged and deleted."""
    query: Query = {"platforms": platforms} if platforms else {}
    if force:
        query["force"] = "1"
    if not prune:
        query["noprune"] = "1"
    path = f"/images/{quote(ref, b'/:@')}"
    answer: list[dict[str, str]] = client.json("DELETE", path, query=query)
    return answer


def history(client: EngineClient, ref: str, *, platform: str = "") -> list[dict[str, Any]]:
    """The steps of the image's making, the last first."""
    query: Query = {"platform": platform} if platform else {}
    path = f"/images/{quote(ref, b'/:@')}/history"
    answer: list[dict[str, Any]] = client.json("GET", path, query=query)
    return answer


def search(
    client: EngineClient, term: str, limit: int, filters: str, *, registry_auth: str = ""
) -> list[dict[str, Any]]:
    """Repositories that an index finds."""
    query: Query = {"term": term}
    if limit:
        query["limit"] = str(limit)
    if filters:
        query["filters"] = filters
    headers = {"X-Registry-Auth": registry_auth}
    response = client.call("GET", "/images/search", query=query, headers=headers)
    answer: list[dict[str, Any]] = response.json()
    client.release(response)
    return answer


def load(
    client: EngineClient, archive: Iterator[bytes], *, quiet: bool, platform: str = ""
) -> Response:
    """Load the images of an archive; a stream of progress messages."""
    query: Query = {"quiet": "1" if quiet else "0"}
    if platform:
        query["platform"] = platform
    sent = client.send(
        "POST",
        "/images/load",
        query=query,
        headers={"Content-Type": "application/x-tar"},
        stream=archive,
    )
    return client.checked(sent)


def import_image(client: EngineClient, query: Query, archive: Iterator[bytes] | None) -> Response:
    """Make an image of a file system archive; a stream of progress messages."""
    headers = {"Content-Type": "text/plain"}
    sent = client.send("POST", "/images/create", query=query, headers=headers, stream=archive)
    return client.checked(sent)


def list_images(client: EngineClient, query: Query) -> list[dict[str, Any]]:
    """The images, newest first."""
    answer: list[dict[str, Any]] = client.json("GET", "/images/json", query=query)
    return answer


def inspect(client: EngineClient, ref: str, *, platform: str = "") -> dict[str, Any]:
    """Everything about the image, as the engine says it."""
    query: Query = {"platform": platform} if platform else {}
    answer: dict[str, Any] = client.json("GET", f"/images/{quote(ref, b'/:@')}/json", query=query)
    return answer


def tag(client: EngineClient, ref: str, repository: str, name: str) -> None:
    """Give the image another name."""
    path = f"/images/{quote(ref, b'/:@')}/tag"
    client.run("POST", path, query={"repo": repository, "tag": name})


def prune(client: EngineClient, filters: str) -> dict[str, Any]:
    """Remove those that nothing needs."""
    answer: dict[str, Any] = client.json("POST", "/images/prune", query={"filters": filters})
    return answer


def read_file(fd: int) -> Iterator[bytes]:
    """A file's content in pieces, up to its end."""
    while data := os.read(fd, _PIECE):
        yield data
