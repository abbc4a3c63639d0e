"""Networks: one request, one verb, one answer (moby api/server/router/network)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.body import read_json
from runner.api.respond import json_response, no_content
from runner.api.routing import Route
from runner.engine.network_connect import network_connect, network_disconnect
from runner.engine.network_create import network_create
from runner.engine.network_remove import network_remove, networks_prune
from runner.engine.networks import network_inspect, network_list
from runner.types.errors import InvalidParameter
from runner.types.gotext import parse_bool
from runner.types.network import ConnectRequest, CreateNetworkRequest, DisconnectRequest

if TYPE_CHECKING:
    from runner.api.call import Call


async def list_all(call: Call) -> web.Response:
    """Those that pass the filters."""
    return json_response(await network_list(call.engine, call.form.filters()))


async def inspect(call: Call) -> web.Response:
    """One, with its containers. `verbose` would show a swarm's services."""
    if verbose := call.form.text("verbose"):
        try:
            parse_bool(verbose)
        except ValueError as err:
            raise InvalidParameter(f"invalid value for verbose: {verbose}: {err}") from err
    return json_response(await network_inspect(call.engine, call.name, call.form.text("scope")))


async def create(call: Call) -> web.Response:
    """Make one. Whether it has IPv4 can be said since API 1.48."""
    request = await read_json(call.request, CreateNetworkRequest)
    if call.version.below("1.48"):
        request.enable_ipv4 = None
    return json_response(await network_create(call.engine, request), status=201)


async def connect(call: Call) -> web.Response:
    """Put a container on it."""
    request = await read_json(call.request, ConnectRequest)
    await network_connect(call.engine, request.container, call.name, request.endpoint_config)
    return web.Response(status=200)


async def disconnect(call: Call) -> web.Response:
    """Take a container off it."""
    request = await read_json(call.request, DisconnectRequest)
    await network_disconnect(call.engine, request.container, call.name, force=request.force)
    return web.Response(status=200)


async def remove(call: Call) -> web.Response:
    """Remove it."""
    await network_remove(call.engine, call.name)
    return no_content()


async def prune(call: Call) -> web.Response:
    """Remove all that nobody is on."""
    return json_response(await networks_prune(call.engine, call.form.filters()))


ROUTES: Final = [
    Route("GET", "/networks", list_all),
    Route("GET", "/networks/", list_all),
    Route("GET", "/networks/{name:.+}", inspect),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/{name:.*}/connect", connect),
    Route("POST", "/networks/{name:.*}/disconnect", disconnect),
    Route("POST", "/networks/prune", prune),
    Route("DELETE", "/networks/{name:.*}", remove),
]
