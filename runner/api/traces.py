"""The steps of one trace, for whoever began it. Ours: dockerd exports its spans only.

    GET  /runner/traces/ID            the steps so far, once nothing of the trace is under way
    GET  /runner/traces/ID?follow=1   a line for each beginning and each end, as they come
    POST /runner/traces/ID            adds the client's own steps

A trace is recorded when a request has carried its ID in a sampled `traceparent`, or somebody
follows it; the newest are kept (`runner.trace.recordings`).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runner.api.body import read_json
from runner.api.respond import Stream, json_response, no_content
from runner.api.routing import Route
from runner.types.errors import InvalidParameter, NotFound

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call
    from runner.trace.recordings import Document, Recorded

_QUIET: Final = 0.15
"""Seconds without a new step after which a trace is taken to be over."""
_PATIENCE: Final = 5.0
_MOST_NAME: Final = 200
_TRACE_ID: Final = 32


class ClientStep(msgspec.Struct):
    """A step of a client's."""

    span_id: str
    parent_id: str
    name: str
    began_ns: int
    duration: float | None = None
    error: str | None = None
    attributes: dict[str, Any] = {}


async def show(call: Call) -> web.StreamResponse:
    """The steps of the trace; `wait=0` takes them as they are."""
    trace_id = _trace_id(call)
    if call.form.flag("follow"):
        return await _follow(call, call.engine.recordings.open(trace_id))
    recorded = call.engine.recordings.get(trace_id)
    if recorded is None:
        raise NotFound(f"no such trace: {trace_id}")
    if call.form.text("wait") != "0":
        await settled(recorded)
    return json_response(
        {"trace_id": trace_id, "dropped": recorded.dropped, "spans": recorded.documents()}
    )


async def settled(recorded: Recorded) -> None:
    """Return when nothing of the trace is under way any more, or it takes too long.

    What follows an answer, such as the sweeping up after an exit, begins a little later.
    """
    deadline = time.monotonic() + _PATIENCE
    while (now := time.monotonic()) < deadline:
        quiet = now - recorded.changed
        if not recorded.busy and quiet >= _QUIET:
            return
        await asyncio.sleep(max(0.01, _QUIET - quiet))


async def _follow(call: Call, recorded: Recorded) -> web.StreamResponse:
    news: asyncio.Queue[Document] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(step: Document) -> None:
        loop.call_soon_threadsafe(news.put_nowait, step)

    stream = Stream(call, "application/x-ndjson")
    await stream.start()
    try:
        for step in recorded.follow(tell):
            await stream.write_json(step)
        while True:
            await stream.write_json(await news.get())
    finally:
        recorded.unfollow(tell)


async def add(call: Call) -> web.Response:
    """Take the client's steps, so that the whole road is in one place."""
    trace_id = _trace_id(call)
    recorded = call.engine.recordings.open(trace_id)
    for step in await read_json(call.request, list[ClientStep]):
        _check(step)
        recorded.add({"trace_id": trace_id, **msgspec.to_builtins(step)})
    return no_content()


def _trace_id(call: Call) -> str:
    if len(call.name) != _TRACE_ID or not call.name.strip("0"):
        raise InvalidParameter(f"invalid trace ID: {call.name}")
    return call.name


def _check(step: ClientStep) -> None:
    try:
        identifiers = [int(text, 16) for text in (step.span_id, step.parent_id or "1")]
    except ValueError:
        identifiers = [0]
    if not all(0 < number < 1 << 64 for number in identifiers) or len(step.name) > _MOST_NAME:
        raise InvalidParameter(f"invalid step: {step.name[:_MOST_NAME]}")
    if not 0 <= step.began_ns < 1 << 63 or not 0 <= (step.duration or 0) < 1 << 32:
        raise InvalidParameter(f"invalid time of step: {step.name}")


ROUTES: Final = [
    Route("GET", "/runner/traces/{name:[0-9a-f]+}", show, stream=True, own=True),
    Route("POST", "/runner/traces/{name:[0-9a-f]+}", add, own=True),
]
