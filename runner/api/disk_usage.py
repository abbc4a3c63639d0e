"""What the engine keeps on disk (moby getDiskUsage)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.disk_usage import system_disk_usage
from runner.types import wire
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call

_TYPES: Final = ("container", "image", "volume", "build-cache")


async def disk_usage(call: Call) -> web.Response:
    """Images, containers and volumes with their sizes. There is no builder, hence no cache."""
    wanted = _wanted(call)
    usage = await system_disk_usage(
        call.engine,
        containers="container" in wanted,
        images="image" in wanted,
        volumes="volume" in wanted,
    )
    if "build-cache" in wanted:
        usage.build_cache = []
    answer: dict[str, Any] = wire.to_wire(usage)
    if call.version.below("1.44"):
        for image in answer["Images"] or ():
            image["VirtualSize"] = image["Size"]
    return json_response(answer)


def _wanted(call: Call) -> set[str]:
    """Everything, but for clients that can choose and do. Raises InvalidParameter."""
    if call.version.below("1.42") or "type" not in call.form:
        return set(_TYPES)
    for name in call.form.all("type"):
        if name not in _TYPES:
            raise InvalidParameter(f"unknown object type: {name}")
    return set(call.form.all("type"))


ROUTES: Final = [Route("GET", "/system/df", disk_usage)]
