"""The stream of events (moby getEvents)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from runner.api.respond import Stream
from runner.api.routing import Route
from runner.engine.events import parse_time, subscribe
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from aiohttp import web

    from runner.api.call import Call
    from runner.types.events import EventMessage


async def events(call: Call) -> web.StreamResponse:
    """Past events when `since` or `until` is given, then those to come, a line of JSON each.

    The legacy fields `status`, `id` and `from` are there for every version that we serve: 1.52
    is the first without them.
    """
    since, until = call.form.text("since"), call.form.text("until")
    _check_times(since, until)
    messages = await subscribe(call.engine.events, since, until, call.form.filters())
    stream = Stream(call, "application/json")
    async with _subscribed(messages) as subscribed:
        await stream.start()
        async for message in subscribed:
            if _is_shown(message, call):
                await stream.write_json(message)
    return stream.response


def _check_times(since: str, until: str) -> None:
    start, end = parse_time(since, "since"), parse_time(until, "until")
    if start is not None and end is not None and end < start:
        raise InvalidParameter(f"`since` time ({since}) cannot be after `until` time ({until})")


def _is_shown(message: EventMessage, call: Call) -> bool:
    """Images' create events came with API 1.46."""
    return not (
        call.version.below("1.46") and message.type == "image" and message.action == "create"
    )


@contextlib.asynccontextmanager
async def _subscribed(
    messages: AsyncGenerator[EventMessage, None],
) -> AsyncIterator[AsyncIterator[EventMessage]]:
    """The messages, subscribed to when this is entered and not only when the first is asked for.

    A client may act as soon as it has our header, and wants to see the events of that.
    """
    async with contextlib.aclosing(messages):
        first = asyncio.ensure_future(anext(messages, None))
        await asyncio.sleep(0)
        try:
            yield _chained(first, messages)
        finally:
            first.cancel()
            await asyncio.wait({first})


async def _chained(
    first: asyncio.Future[EventMessage | None], rest: AsyncIterator[EventMessage]
) -> AsyncIterator[EventMessage]:
    if (message := await first) is not None:
        yield message
        async for message in rest:
            yield message


ROUTES: Final = [Route("GET", "/events", events, stream=True)]
