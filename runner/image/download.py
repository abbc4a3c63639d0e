"""Getting an archive from a web server, for an import (moby builder/remotecontext)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import yarl

from runner.image.progress import bar
from runner.image.registry.authorizer import read_capped
from runner.image.registry.errors import reason
from runner.image.registry.session import proxy
from runner.types.errors import (
    Forbidden,
    InvalidParameter,
    NotFound,
    RunnerError,
    System,
    Unauthorized,
)
from runner.types.gourl import parse_url
from runner.types.image import ProgressDetail, ProgressMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.image.progress import Progress

_CHUNK = 512 << 10
_ERROR_SIZE_MAX = 64_000
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
_STATUSES: dict[int, type[RunnerError]] = {
    400: InvalidParameter,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
}


@asynccontextmanager
async def downloading(source: str, progress: Progress) -> AsyncIterator[AsyncIterator[bytes]]:
    """The body of what the URL leads to, as it comes. A URL without scheme means http.

    Raises NotFound, InvalidParameter and other errors by the server's status, System where there
    is no server to speak to.
    """
    url = _parse(source)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session:
        try:
            response = await session.get(url, proxy=proxy(url))
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise System(f'Get "{url}": {reason(err)}') from err
        async with response:
            if response.status >= 400:
                raise await _failure(url, response)
            progress(ProgressMessage(status=f"Downloading from {url}"))
            yield _body(response, progress)


def _parse(source: str) -> yarl.URL:
    text = source if "://" in source else f"http://{source}"
    try:
        scheme, host, path = parse_url(text)
        url = yarl.URL(text)
    except ValueError as err:
        raise InvalidParameter(str(err)) from err
    if scheme not in {"http", "https"}:
        raise System(f'Get "{url}": unsupported protocol scheme "{scheme}"')
    if not host:
        raise System(f'Get "{url if path else scheme + ":"}": http: no Host in request URL')
    return url


async def _failure(url: yarl.URL, response: aiohttp.ClientResponse) -> RunnerError:
    body = (await read_capped(response, _ERROR_SIZE_MAX)).decode("utf-8", "replace").strip()
    status = f"{response.status} {response.reason}"
    kind = _STATUSES.get(response.status, RunnerError)
    return kind(f"failed to GET {url} with status {status}: {body}")


async def _body(response: aiohttp.ClientResponse, progress: Progress) -> AsyncIterator[bytes]:
    received, total = 0, response.content_length or 0
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            received += len(chunk)
            detail = ProgressDetail(current=received, total=total)
            progress(
                ProgressMessage(
                    status="Importing", progress_detail=detail, progress=bar(received, total or 1)
                )
            )
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as err:
        raise System(f"{response.url}: {reason(err)}") from err
