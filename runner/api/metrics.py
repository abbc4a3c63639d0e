"""The engine's figures for Prometheus, at an address of their own (dockerd --metrics-addr).

Nothing there tells a secret, and nothing can be done there, but it asks nobody who he is: so it is
served to this host only.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.server import Listener, listen, serving
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.engine.metrics import Metrics

_PATH: Final = "/metrics"
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BACKLOG: Final = 16
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAX_PORT: Final = 65535


def listen_for_metrics(address: str, *, group: str = "") -> Listener:
    """Open `127.0.0.1:9323`, `tcp://localhost:9323`, `[::1]:9323` or `unix:///run/metrics.sock`.

    Raises InvalidParameter for what is no such address, System when it cannot be had.
    """
    if address.startswith("unix://"):
        (listener,) = listen([address], group=group)
        return listener
    host, colon, port = address.removeprefix("tcp://").rpartition(":")
    if "://" in host or not colon or not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise InvalidParameter(f"invalid address for metrics: {address}: want HOST:PORT")
    return Listener(_bind(address, _loopback(address, host.strip("[]")), int(port)))


def _loopback(address: str, host: str) -> str:
    host = "127.0.0.1" if host == "localhost" else host
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return host
    raise InvalidParameter(
        f"invalid address for metrics: {address}: they are served on a loopback address, "
        "such as 127.0.0.1:9323, or on unix:///PATH"
    )


def _bind(address: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as err:
        raise System(f"cannot listen on {address}: {err}") from err


@contextlib.asynccontextmanager
async def serving_metrics(metrics: Metrics, listener: Listener | None) -> AsyncIterator[None]:
    """Answer GET /metrics while inside, if there is somebody to answer."""
    if listener is None:
        yield
        return

    async def expose(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": _CONTENT_TYPE})

    app = web.Application()
    app.router.add_get(_PATH, expose)
    async with serving(app, [listener]):
        yield
