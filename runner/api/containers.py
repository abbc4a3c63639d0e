"""Containers: one request, one verb, one answer (moby api/server/router/container)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.body import read_json
from runner.api.compat import adapt_create, adapt_inspect, adapt_summaries, adapt_update
from runner.api.form import terminal_size
from runner.api.respond import json_response, no_content
from runner.api.routing import Route
from runner.engine import list as listing
from runner.engine.create import container_create
from runner.engine.inspect import container_inspect
from runner.engine.kill import container_kill
from runner.engine.pause import container_pause, container_unpause
from runner.engine.remove import container_rm
from runner.engine.rename import container_rename
from runner.engine.resize import container_resize
from runner.engine.restart import container_restart
from runner.engine.start import start as container_start
from runner.engine.stop import container_stop
from runner.engine.update import container_update
from runner.image import platform as platforms
from runner.types.container import (
    RESOURCES,
    Config,
    CreateRequest,
    HostConfig,
    UpdateResponse,
)
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.network import NetworkingConfig

if TYPE_CHECKING:
    from runner.api.call import Call

_EMPTY_JSON: Final = 7
"""The longest body of a start that holds no JSON object."""


async def create(call: Call) -> web.Response:
    """Make a container."""
    request = await read_json(call.request, CreateRequest)
    host_config = request.host_config or HostConfig()
    networking = request.networking_config or NetworkingConfig()
    config = Config(**{name: getattr(request, name) for name in Config.__struct_fields__})
    if config == Config():
        raise InvalidParameter("config cannot be empty in order to create a container")
    wanted = call.form.text("platform")
    platform = platforms.parse(wanted) if wanted and not call.version.below("1.41") else None
    warnings = adapt_create(config, host_config, networking, call.version)
    created = await container_create(
        call.engine,
        name=call.form.text("name"),
        config=config,
        host_config=host_config,
        networking_config=networking,
        platform=platform,
        read_only_non_recursive=call.version.below("1.44"),
    )
    created.warnings.extend(warnings)
    return json_response(created, status=201)


async def start(call: Call) -> web.Response:
    """Start it. A body is what clients of API 1.21 sent and is refused."""
    length = call.request.content_length
    if (call.request.body_exists and length is None) or (length or 0) > _EMPTY_JSON:
        raise InvalidParameter(
            "starting container with non-empty request body was deprecated since API v1.22 "
            "and removed in v1.24"
        )
    if call.form.text("checkpoint"):
        raise InvalidParameter("checkpoint is only supported in experimental mode")
    await container_start(call.engine, call.name)
    return no_content()


async def stop(call: Call) -> web.Response:
    """Stop it, `t` seconds after asking by killing it."""
    await container_stop(
        call.engine, call.name, signal=_stop_signal(call), timeout=call.form.integer("t")
    )
    return no_content()


async def restart(call: Call) -> web.Response:
    """Stop and start it."""
    await container_restart(
        call.engine, call.name, signal=_stop_signal(call), timeout=call.form.integer("t")
    )
    return no_content()


def _stop_signal(call: Call) -> str:
    """Which signal to stop with can be said since API 1.42."""
    return "" if call.version.below("1.42") else call.form.text("signal")


async def pause(call: Call) -> web.Response:
    """Freeze it."""
    await container_pause(call.engine, call.name)
    return no_content()


async def unpause(call: Call) -> web.Response:
    """Let it run on."""
    await container_unpause(call.engine, call.name)
    return no_content()


async def kill(call: Call) -> web.Response:
    """Send it a signal."""
    try:
        await container_kill(call.engine, call.name, call.form.text("signal"))
    except RunnerError as error:
        raise error.wrap(f"cannot kill container: {call.name}") from error
    return no_content()


async def remove(call: Call) -> web.Response:
    """Remove it."""
    await container_rm(
        call.engine,
        call.name,
        force=call.form.flag("force"),
        remove_volumes=call.form.flag("v"),
        remove_link=call.form.flag("link"),
    )
    return no_content()


async def rename(call: Call) -> web.Response:
    """Give it another name."""
    await container_rename(call.engine, call.name, call.form.text("name"))
    return no_content()


async def update(call: Call) -> web.Response:
    """Change its limits and its restart policy."""
    request = await read_json(call.request, HostConfig)
    wanted = HostConfig(
        restart_policy=request.restart_policy,
        **{name: getattr(request, name) for name in RESOURCES},
    )
    adapt_update(wanted, call.version)
    warnings = await container_update(call.engine, call.name, wanted)
    return json_response(UpdateResponse(warnings or None))


async def resize(call: Call) -> web.Response:
    """Tell its terminal the size of the client's."""
    await container_resize(call.engine, call.name, *terminal_size(call.form))
    return web.Response()


async def inspect(call: Call) -> web.Response:
    """All about it."""
    found = await container_inspect(call.engine, call.name, size=call.form.flag("size"))
    adapt_inspect(found, call.version)
    return json_response(found)


async def list_(call: Call) -> web.Response:
    """All containers, in short."""
    form = call.form
    options = listing.ListOptions(
        all=form.flag("all"),
        limit=form.integer("limit") or 0,
        size=form.flag("size"),
        filters=form.filters(),
    )
    found = await listing.containers(call.engine, options)
    adapt_summaries(found, call.version)
    return json_response(found)


ROUTES: Final = [
    Route("POST", "/containers/create", create),
    Route("GET", "/containers/json", list_),
    Route("GET", "/containers/{name:.*}/json", inspect),
    Route("POST", "/containers/{name:.*}/start", start),
    Route("POST", "/containers/{name:.*}/stop", stop),
    Route("POST", "/containers/{name:.*}/restart", restart),
    Route("POST", "/containers/{name:.*}/pause", pause),
    Route("POST", "/containers/{name:.*}/unpause", unpause),
    Route("POST", "/containers/{name:.*}/kill", kill),
    Route("POST", "/containers/{name:.*}/resize", resize),
    Route("POST", "/containers/{name:.*}/rename", rename),
    Route("POST", "/containers/{name:.*}/update", update),
    Route("DELETE", "/containers/{name:.*}", remove),
]
