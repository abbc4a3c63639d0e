"""Removing what is not used any more (moby postContainersPrune)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.prune import containers_prune

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call


async def prune_containers(call: Call) -> web.Response:
    """Containers that do not run."""
    return json_response(await containers_prune(call.engine, call.form.filters()))


ROUTES: Final = [
    Route("POST", "/containers/prune", prune_containers),
]
