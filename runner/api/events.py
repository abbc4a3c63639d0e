"""The stream of events (moby getEvents)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.api.respond import Stream
from runner.api.routing import Route
from runner.types.errors import InvalidParameter
from runner.types.timestamps import parse_timestamp

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call
    from runner.types.events import EventMessage


async def events(call: Call) -> web.StreamResponse:
    """Past events when `since` or `until` is given, then those to come, a line of JSON each.

    The legacy fields `status`, `id` and `from` are there for every version that we serve: 1.52
    is the first without them.
    """
    since, until = _span(call.form.text("since"), call.form.text("until"))
    stream = Stream(call, "application/json")
    with call.engine.events.subscribe(call.form.filters(), since, until) as messages:
        # a client may act as soon as it has our header, and wants to see the events of that
        await stream.start()
        async for message in messages:
            if _is_shown(message, call):
                await stream.write_json(message)
    return stream.response


def _span(since: str, until: str) -> tuple[int | None, int | None]:
    """In nanoseconds. Clients send Unix seconds, whatever their users have written."""
    start, end = parse_timestamp(since), parse_timestamp(until)
    if start is not None and end is not None and end < start:
        raise InvalidParameter(f"`since` time ({since}) cannot be after `until` time ({until})")
    return start, end


def _is_shown(message: EventMessage, call: Call) -> bool:
    """Images' create events came with API 1.46."""
    return not (
        call.version.below("1.46") and message.type == "image" and message.action == "create"
    )


ROUTES: Final = [Route("GET", "/events", events, stream=True)]
