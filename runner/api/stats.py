"""What containers use, and what runs in them (moby getContainersStats, getContainersTop)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.respond import Stream, json_response
from runner.api.routing import Route
from runner.engine.stats import container_stats
from runner.engine.top import container_top

if TYPE_CHECKING:
    from runner.api.call import Call


async def stats(call: Call) -> web.StreamResponse:
    """A frame a second, or only one."""
    streaming = call.form.flag("stream", default=True)
    frames = await container_stats(
        call.engine,
        call.name,
        stream=streaming,
        one_shot=call.form.flag("one-shot") and not call.version.below("1.41"),
    )
    async with contextlib.aclosing(frames):
        if not streaming:
            frame = await anext(frames, None)
            return json_response(frame) if frame else web.Response()  # removed meanwhile
        stream = Stream(call, "application/json")
        await stream.start()
        async for frame in frames:
            await stream.write_json(frame)
    return stream.response


async def top(call: Call) -> web.Response:
    """What ps shows of its processes."""
    return json_response(await container_top(call.engine, call.name, call.form.text("ps_args")))


ROUTES: Final = [
    Route("GET", "/containers/{name:.*}/top", top),
    Route("GET", "/containers/{name:.*}/stats", stats, stream=True),
]
