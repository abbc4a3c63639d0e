"""The engine's own events (moby daemon/events): published once, kept a while, filtered."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import deque
from typing import TYPE_CHECKING

from runner.types import times
from runner.types.errors import InvalidParameter
from runner.types.events import Actor, EventMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

    from runner.engine.container import Container

_KEPT = 256
_SUBSCRIBER_BUFFER = 1024
_PREFIXES = ("health_status", "exec_create", "exec_start")
_FILTERS = frozenset(
    {"event", "type", "label", "scope", "container", "image", "network", "volume", "daemon"}
    | {"plugin", "node", "service", "secret", "config"}
)

_UNIX_TIME = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]*))?")

Filters = dict[str, list[str]]


class Events:
    """The last 256 events and whoever listens. A listener that does not read loses events."""

    def __init__(self) -> None:
        self._past: deque[EventMessage] = deque(maxlen=_KEPT)
        self._subscribers: set[asyncio.Queue[EventMessage]] = set()
        self._observers: list[Callable[[EventMessage], None]] = []

    def observe(self, observer: Callable[[EventMessage], None]) -> None:
        """Call `observer` with every event; for counting. It must not raise."""
        self._observers.append(observer)

    def publish(self, kind: str, action: str, actor_id: str, attributes: dict[str, str]) -> None:
        """Tell everybody what has happened (moby Events.PublishMessage)."""
        now = time.time_ns()
        message = EventMessage(
            type=kind,
            action=action,
            actor=Actor(id=actor_id, attributes=attributes),
            time=now // 1_000_000_000,
            time_nano=now,
        )
        if kind in ("container", "image"):
            message.status = action
            message.id = actor_id
            message.from_ = attributes.get("image", "") if kind == "container" else ""
        self._past.append(message)
        for observer in self._observers:
            observer(message)
        for queue in self._subscribers:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(message)

    def log_container(
        self, container: Container, action: str, attributes: Mapping[str, str] | None = None
    ) -> None:
        """A container's event: its labels, image and name go along (moby LogContainerEvent)."""
        record = container.record
        described = {
            **(record.config.labels or {}),
            "image": record.config.image,
            "name": record.name,
            **(attributes or {}),
        }
        self.publish("container", action, container.id, described)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    def past(self) -> list[EventMessage]:
        """The events kept, oldest first."""
        return list(self._past)

    @contextlib.contextmanager
    def subscription(self) -> Iterator[asyncio.Queue[EventMessage]]:
        """A queue that gets every event from now on."""
        queue: asyncio.Queue[EventMessage] = asyncio.Queue(_SUBSCRIBER_BUFFER)
        self._subscribers.add(queue)
        try:
            yield queue
        finally:
            self._subscribers.discard(queue)


def check_filters(filters: Filters) -> None:
    """Raise InvalidParameter for a filter that dockerd does not know."""
    for name in filters:
        if name not in _FILTERS:
            raise InvalidParameter(f"invalid filter '{name}'")


def matches(message: EventMessage, filters: Filters) -> bool:
    """Whether the message passes every filter, with any value of each (moby events/filter.go)."""
    return all(not values or _passes(message, name, values) for name, values in filters.items())


def _passes(message: EventMessage, name: str, values: Sequence[str]) -> bool:
    match name:
        case "event":
            return any(_is_action(message.action, wanted) for wanted in values)
        case "type":
            return message.type in values
        case "scope":
            return message.scope in values
        case "label":
            return _has_labels(message, values)
        case _:
            return any(_is_actor(message, name, wanted) for wanted in values)


def _is_action(action: str, wanted: str) -> bool:
    if wanted in _PREFIXES:
        return action.partition(":")[0] == wanted
    return action == wanted


def _has_labels(message: EventMessage, wanted: Sequence[str]) -> bool:
    attributes = message.actor.attributes
    return all(
        attributes.get(key) == value if separator else key in attributes
        for key, separator, value in (label.partition("=") for label in wanted)
    )


def _is_actor(message: EventMessage, kind: str, wanted: str) -> bool:
    if message.type != kind:
        return kind == "image" and _is_image_of(message, wanted)
    names = {message.actor.id, message.actor.attributes.get("name", "")}
    if kind == "container":
        return wanted in names or message.actor.id.startswith(wanted)
    if kind == "image":
        return _is_image_of(message, wanted)
    return wanted in names


def _is_image_of(message: EventMessage, wanted: str) -> bool:
    names = {message.actor.attributes.get("image", ""), message.actor.attributes.get("name", "")}
    if message.type == "image":
        names.add(message.actor.id)
    return wanted in names or wanted in {_without_tag(name) for name in names if name}


def _without_tag(name: str) -> str:
    head, separator, tag = name.rpartition(":")
    return head if separator and "/" not in tag else name


async def subscribe(
    events: Events, since: str, until: str, filters: Filters
) -> AsyncGenerator[EventMessage, None]:
    """Past events when `since` or `until` is given, then those to come, to `until`.

    Times are Unix seconds with an optional fraction. Raises InvalidParameter at once for a bad
    filter or time. Source: moby SubscribeToEvents.
    """
    check_filters(filters)
    since_ns, until_ns = parse_time(since, "since"), parse_time(until, "until")
    return _stream(events, since_ns, until_ns, filters)


async def _stream(
    events: Events, since: int | None, until: int | None, filters: Filters
) -> AsyncGenerator[EventMessage, None]:
    with events.subscription() as queue:
        if since is not None or until is not None:
            for message in events.past():
                if _is_between(message, since, until) and matches(message, filters):
                    yield message
        while (message_or_none := await _next(queue, until)) is not None:
            if matches(message_or_none, filters):
                yield message_or_none


def _is_between(message: EventMessage, since: int | None, until: int | None) -> bool:
    moment = message.time_nano
    return (since is None or since <= moment) and (until is None or moment <= until)


async def _next(queue: asyncio.Queue[EventMessage], until_ns: int | None) -> EventMessage | None:
    if until_ns is None:
        return await queue.get()
    try:
        async with asyncio.timeout(max(0.0, (until_ns - time.time_ns()) / 1e9)):
            return await queue.get()
    except TimeoutError:
        return None


def parse_time(text: str, name: str) -> int | None:
    """Nanoseconds since the epoch from `seconds[.nanoseconds]` or RFC3339; None if empty.

    Raises InvalidParameter naming the parameter.
    """
    if not text:
        return None
    if found := _UNIX_TIME.fullmatch(text):
        seconds, fraction = found.groups(default="")
        return int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))
    try:
        return times.parse_ns(text)
    except ValueError:
        raise InvalidParameter(
            f'invalid value for "{name}": failed to parse value as time or duration: "{text}"'
        ) from None
