"""The engine's own events (moby daemon/events): published once, kept a while, filtered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from runner.image import reference as references
from runner.types import filters
from runner.types.errors import InvalidParameter
from runner.types.events import Actor, EventMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from runner.engine.container import Container
    from runner.types.filters import Filters

_KEPT: Final = 256
_SUBSCRIBER_BUFFER: Final = 1024
_DETAILED: Final = frozenset({"health_status", "exec_create", "exec_start"})
_KINDS: Final = (
    *("daemon", "container", "plugin", "volume", "network", "node", "service", "secret", "config"),
)


class Events:
    """The last 256 events and whoever listens. A listener that does not read loses events."""

    def __init__(self) -> None:
        self._past: deque[EventMessage] = deque(maxlen=_KEPT)
        self._subscribers: set[Subscription] = set()
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
        for subscriber in self._subscribers:
            subscriber.offer(message)

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
    def subscribe(
        self, chosen: Filters, since: int | None = None, until: int | None = None
    ) -> Iterator[Subscription]:
        """What passes the filters: of the past if `since` or `until` is given, and from now on.

        Times in nanoseconds since the epoch. Source: moby SubscribeToEvents, which knows of no
        filter that it would refuse.
        """
        subscription = Subscription(chosen, until)
        if since is not None or until is not None:
            for message in self._past:
                if _is_between(message, since, until):
                    subscription.offer(message)
        self._subscribers.add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers.discard(subscription)


def _is_between(message: EventMessage, since: int | None, until: int | None) -> bool:
    """An end at or before the epoch is none, as far as the past goes (loadBufferedEvents)."""
    moment = message.time_nano
    return moment >= (since or 0) and (until is None or until <= 0 or moment <= until)


class Subscription:
    """A client's events, to be iterated over; they end at `until`.

    Of a client that reads too slowly, those are dropped that do not fit into the buffer.
    """

    def __init__(self, chosen: Filters, until: int | None) -> None:
        self._chosen = chosen
        self._until = until
        self._waiting: asyncio.Queue[EventMessage] = asyncio.Queue(_SUBSCRIBER_BUFFER)

    def offer(self, message: EventMessage) -> None:
        """Hand over an event if it passes the filters."""
        if matches(message, self._chosen):
            with contextlib.suppress(asyncio.QueueFull):
                self._waiting.put_nowait(message)

    async def __aiter__(self) -> AsyncIterator[EventMessage]:
        while True:
            try:
                async with asyncio.timeout(self._time_left()):
                    message = await self._waiting.get()
            except TimeoutError:
                return
            yield message

    def _time_left(self) -> float | None:
        """Seconds. What waits already is read even when there are none left."""
        if self._until is None:
            return None
        return max(0.0, (self._until - time.time_ns()) / 1e9)


def matches(message: EventMessage, chosen: Filters) -> bool:
    """Whether the message passes every filter, with any value of each (moby events/filter.go).

    A filter by name does not look at the type: `container=x` also finds a network whose name
    begins with x.
    """
    attributes = message.actor.attributes
    return (
        _is_action(message.action, chosen)
        and filters.exact(chosen, "type", message.type)
        and filters.exact(chosen, "scope", message.scope)
        and all(_is_named(message.actor, kind, chosen) for kind in _KINDS)
        and any(filters.exact(chosen, "image", name) for name in _image_names(message))
        and filters.labels(chosen, "label", attributes)
    )


def _is_action(action: str, chosen: Filters) -> bool:
    """Exactly, unless one of those is asked for that tell details behind a colon."""
    by_beginning = not _DETAILED.isdisjoint(chosen.get("event", ()))
    return (filters.fuzzy if by_beginning else filters.exact)(chosen, "event", action)


def _is_named(actor: Actor, kind: str, chosen: Filters) -> bool:
    name = actor.attributes.get("name", "")
    return filters.fuzzy(chosen, kind, actor.id) or filters.fuzzy(chosen, kind, name)


def _image_names(message: EventMessage) -> Iterator[str]:
    """What the event's image is called, with its tag and without."""
    attribute = "name" if message.type == "image" else "image"
    for name in (message.actor.id, message.actor.attributes.get(attribute, "")):
        yield name
        yield _without_tag(name)


def _without_tag(image: str) -> str:
    try:
        return references.parse(image).familiar_name
    except InvalidParameter:
        return image
