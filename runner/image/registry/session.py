"""HTTP sessions with registries and with the servers beside them."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import yarl
    from aiohttp.abc import ResolveResult

    from runner.image.registry.endpoint import Endpoint, Tls

_READ_TIMEOUT = 60
"""Seconds. Between two reads a registry may take its time, but a connection that says nothing for
so long is dead, and the download is resumed."""


async def open_session(tls: Tls, dial_timeout: float) -> aiohttp.ClientSession:
    """A session for the caller to close. Bodies come as they are on the wire, and no cookie or
    secret of one request goes with another."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=await asyncio.to_thread(tls.context), resolver=_Resolver()
        ),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=dial_timeout, sock_read=_READ_TIMEOUT
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _user_agent(), "Accept-Encoding": "identity"},
    )


class _Resolver(aiohttp.ThreadedResolver):
    """Python refuses names that cannot be (`..`) by an error of its own; to Go nobody has them."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            return await super().resolve(host, port, family)
        except UnicodeError as err:
            raise socket.gaierror(socket.EAI_NONAME, str(err)) from err


@asynccontextmanager
async def session_for(
    url: yarl.URL, endpoint: Endpoint, session: aiohttp.ClientSession
) -> AsyncIterator[aiohttp.ClientSession]:
    """The endpoint's own session, or for a URL of another server one that has it prove who it is
    (as dockerd asks token servers)."""
    tls = endpoint.tls.for_others()
    if tls == endpoint.tls or endpoint.serves(url):
        yield session
        return
    async with await open_session(tls, endpoint.dial_timeout) as other:
        yield other


def proxy(url: yarl.URL) -> str | None:
    """The environment's proxy. (aiohttp's own reading would take netrc's secrets as well.)"""
    host = url.host or ""
    if host == "localhost" or urllib.request.proxy_bypass(f"{host}:{url.port}"):
        return None
    return urllib.request.getproxies_environment().get(url.scheme)


def _user_agent() -> str:
    try:
        return f"runner/{version('containerd-runner')}"
    except PackageNotFoundError:
        return "runner"
