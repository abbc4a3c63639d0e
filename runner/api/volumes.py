"""Volumes (moby api/server/router/volume)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.api.body import read_json
from runner.api.respond import json_response, no_content
from runner.api.routing import Route
from runner.engine.volumes import (
    volume_create,
    volume_inspect,
    volume_list,
    volume_rm,
    volumes_prune,
)
from runner.types.errors import RunnerError, Unavailable
from runner.types.volume import CreateOptions, ListResponse

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call


async def create(call: Call) -> web.Response:
    """Make a volume, or find the one of that name."""
    options = await read_json(call.request, CreateOptions)
    if options.cluster_volume_spec is not None and not call.version.below("1.42"):
        raise Unavailable(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to '
            "connect this node to swarm and try again."
        )
    return json_response(await volume_create(call.engine, options), status=201)


async def list_(call: Call) -> web.Response:
    """All volumes."""
    try:
        chosen = call.form.filters()
    except RunnerError as err:
        raise err.wrap("error reading volume filters") from err
    return json_response(ListResponse(volumes=volume_list(call.engine, chosen)))


async def inspect(call: Call) -> web.Response:
    """All about a volume."""
    return json_response(await volume_inspect(call.engine, call.name))


async def update(call: Call) -> web.Response:
    """Only a cluster's volumes can be changed."""
    raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")


async def delete(call: Call) -> web.Response:
    """Delete a volume."""
    await volume_rm(call.engine, call.name, force=call.form.flag("force"))
    return no_content()


async def prune(call: Call) -> web.Response:
    """Volumes that nobody uses; before API 1.42 the named ones too."""
    chosen = call.form.filters()
    if call.version.below("1.42"):
        chosen["all"] = [*chosen.get("all", ()), "true"]
    return json_response(await volumes_prune(call.engine, chosen))


ROUTES: Final = [
    Route("GET", "/volumes", list_),
    Route("GET", "/volumes/{name:.*}", inspect),
    Route("POST", "/volumes/create", create),
    Route("POST", "/volumes/prune", prune),
    Route("PUT", "/volumes/{name:.*}", update),
    Route("DELETE", "/volumes/{name:.*}", delete),
]
