"""Removing what is not used any more (moby postContainersPrune)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.api.image_filters import parse_image_filters
from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.images import images_prune
from runner.engine.prune import containers_prune
from runner.types import filters

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call


_IMAGE_FILTERS: Final = frozenset({"dangling", "label", "label!", "until"})


async def prune_containers(call: Call) -> web.Response:
    """Containers that do not run."""
    return json_response(await containers_prune(call.engine, call.form.filters()))


async def prune_images(call: Call) -> web.Response:
    """Images that no container uses; of those with names only when asked."""
    chosen = call.form.filters()
    filters.validate(chosen, _IMAGE_FILTERS)
    dangling = filters.boolean(chosen, "dangling")
    others = {name: values for name, values in chosen.items() if name != "dangling"}
    report = await images_prune(
        call.engine, parse_image_filters(others), dangling_only=dangling is not False
    )
    return json_response(report)


ROUTES: Final = [
    Route("POST", "/images/prune", prune_images),
    Route("POST", "/containers/prune", prune_containers),
]
