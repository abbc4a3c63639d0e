"""Searching an index for repositories (moby registry/search.go). It is Docker Hub's old API; hardly
any other registry has it."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import yarl

from runner.image.registry.authorizer import read_capped
from runner.image.registry.errors import reason
from runner.image.registry.session import open_session, proxy
from runner.types import gojson
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.image import SearchResult

if TYPE_CHECKING:
    from runner.image.registry.credentials import Credentials
    from runner.image.registry.endpoint import Endpoint
    from runner.image.registry.hosts import RegistryHosts

_HUB = "index.docker.io"
_LIMIT_DEFAULT = 25
_LIMIT_MAX = 100
_ANSWER_MAX = 4 << 20


async def search(
    hosts: RegistryHosts, term: str, limit: int, credentials: Credentials
) -> list[SearchResult]:
    """What the index finds; 0 means the default limit. Raises InvalidParameter, RunnerError."""
    if term.startswith(("http://", "https://")):
        raise InvalidParameter(
            f"invalid repository name: repository name ({term}) should not have a scheme"
        )
    limit = limit or _LIMIT_DEFAULT
    if not 1 <= limit <= _LIMIT_MAX:
        raise InvalidParameter(f"limit {limit} is outside the range of [1, {_LIMIT_MAX}]")
    index, name = _split(term)
    endpoint = (await asyncio.to_thread(hosts.endpoints, index))[-1]
    query = {"q": name, "n": str(limit)}
    body = await _ask(endpoint, query, credentials)
    return _results(body)


def _split(term: str) -> tuple[str, str]:
    """The index and what to look for (splitReposSearchTerm)."""
    first, slash, rest = term.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return _HUB, term
    if first in {_HUB, "docker.io"}:
        return _HUB, rest.removeprefix("library/")
    return first, rest


async def _ask(endpoint: Endpoint, query: dict[str, str], credentials: Credentials) -> bytes:
    """The answer over the first scheme that there is somebody to talk to by."""
    *first, last = endpoint.schemes
    for scheme in first:
        try:
            return await _ask_once(endpoint, scheme, query, credentials)
        except aiohttp.ClientError:
            continue
    try:
        return await _ask_once(endpoint, last, query, credentials)
    except (aiohttp.ClientError, TimeoutError, OSError) as err:
        url = _url(endpoint, last).update_query(query)
        raise RunnerError(f'Get "{url}": {reason(err)}') from err


async def _ask_once(
    endpoint: Endpoint, scheme: str, query: dict[str, str], credentials: Credentials
) -> bytes:
    url = _url(endpoint, scheme).update_query(query)
    headers = {**endpoint.headers, "X-Docker-Token": "true"}
    if credentials.username:
        pair = f"{credentials.username}:{credentials.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    async with (
        await open_session(endpoint.tls, endpoint.dial_timeout) as session,
        session.get(url, headers=headers, proxy=proxy(url)) as response,
    ):
        if response.status != 200:
            raise RunnerError(f"Unexpected status code {response.status}")
        return await read_capped(response, _ANSWER_MAX)


def _url(endpoint: Endpoint, scheme: str) -> yarl.URL:
    host = _HUB if endpoint.host == "registry-1.docker.io" else endpoint.host
    return yarl.URL(f"{scheme}://{host}/v1/search")


def _results(body: bytes) -> list[SearchResult]:
    try:
        document = gojson.decode(body, dict[str, Any])
        found = msgspec.convert(document.get("results") or [], list[SearchResult])
    except msgspec.DecodeError as err:
        raise RunnerError(f"error decoding registry search results: {err}") from err
    for result in found:
        result.is_automated = False  # deprecated, and the index's value is not to be trusted
    return found
