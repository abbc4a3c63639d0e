"""Events: kept, filtered, told to those who listen."""

import time

import pytest

from runner.engine.events import Events, Subscription, matches
from runner.types.events import Actor, EventMessage

START = EventMessage(
    type="container",
    action="start",
    actor=Actor(
        id="0123456789ab", attributes={"image": "busybox:1", "name": "web", "tier": "front"}
    ),
)
HEALTH = EventMessage(type="container", action="health_status: healthy", actor=Actor(id="0"))


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"event": ["start"]}, True),
        ({"event": ["stop", "start"]}, True),
        ({"event": ["sta"]}, False),
        ({"type": ["image"]}, False),
        ({"container": ["web"]}, True),
        ({"container": ["0123"]}, True),
        ({"container": ["db"]}, False),
        ({"image": ["busybox"]}, True),
        ({"image": ["busybox:1"]}, True),
        ({"image": ["alpine"]}, False),
        ({"label": ["tier"]}, True),
        ({"label": ["tier=front"]}, True),
        ({"label": ["tier=front", "tier=back"]}, False),
        ({"event": ["start"], "type": ["network"]}, False),
        ({"scope": ["local"]}, True),
        ({"network": ["web"]}, True),
        ({"network": ["db"]}, False),
    ],
)
def test_filters(filters: dict[str, list[str]], passes: bool) -> None:
    assert matches(START, filters) is passes


def test_some_actions_match_by_their_beginning() -> None:
    assert matches(HEALTH, {"event": ["health_status"]})
    assert matches(HEALTH, {"event": ["health_status: healthy"]})
    assert not matches(HEALTH, {"event": ["health"]})


def test_a_filter_that_nobody_knows_lets_everything_pass() -> None:
    assert matches(START, {"colour": ["red"]})


IMAGE = EventMessage(
    type="image",
    action="tag",
    actor=Actor(id="sha256:" + "ab" * 32, attributes={"name": "registry.test:5000/a/b:1"}),
)
NETWORK = EventMessage(
    type="network", action="connect", actor=Actor(id="99", attributes={"name": "bridge"})
)


@pytest.mark.parametrize(
    ("message", "filters", "passes"),
    [
        (IMAGE, {"image": ["registry.test:5000/a/b:1"]}, True),
        (IMAGE, {"image": ["registry.test:5000/a/b"]}, True),
        (IMAGE, {"image": ["sha256:" + "ab" * 32]}, True),
        (IMAGE, {"image": ["sha256"]}, True),
        (IMAGE, {"image": ["sha256:ab"]}, False),
        (IMAGE, {"image": ["registry.test:5000/a"]}, False),
        (NETWORK, {"network": ["bri"]}, True),
        (NETWORK, {"container": ["bri"]}, True),
        (NETWORK, {"network": ["9"]}, True),
        (NETWORK, {"network": ["dge"]}, False),
        (NETWORK, {"network": ["x", "bridge"]}, True),
        (NETWORK, {"scope": ["swarm"]}, False),
        (HEALTH, {"event": ["exec_start", "health"]}, True),
    ],
)
def test_names(message: EventMessage, filters: dict[str, list[str]], passes: bool) -> None:
    assert matches(message, filters) is passes


def published(events: Events, *ids: str) -> None:
    for actor_id in ids:
        events.publish("network", "connect", actor_id, {})


async def ids_of(subscription: Subscription) -> list[str]:
    return [message.actor.id async for message in subscription]


async def test_the_past_is_told_when_a_time_is_given() -> None:
    events = Events()
    published(events, "n1", "n2")
    middle = events.past()[1].time_nano
    for since, until, expected in (
        (None, 1, []),
        (0, time.time_ns(), ["n1", "n2"]),
        (middle, time.time_ns(), ["n2"]),
        (None, middle - 1, ["n1"]),
        (None, 0, ["n1", "n2"]),
    ):
        with events.subscribe({}, since, until) as subscription:
            assert await ids_of(subscription) == expected


async def test_past_and_present_reach_a_subscriber() -> None:
    events = Events()
    published(events, "n1")
    with events.subscribe({}, 1) as subscription:
        listening = aiter(subscription)
        assert events.listeners == 1
        published(events, "n2")
        seen = [(await anext(listening)).actor.id for _ in range(2)]
        await listening.aclose()
    assert seen == ["n1", "n2"]
    assert events.listeners == 0


async def test_without_a_time_only_the_present_is_told() -> None:
    events = Events()
    published(events, "n1")
    with events.subscribe({"network": ["n"]}) as subscription:
        published(events, "other", "n2")
        listening = aiter(subscription)
        assert (await anext(listening)).actor.id == "n2"
        await listening.aclose()


async def test_until_ends_the_stream() -> None:
    events = Events()
    until = time.time_ns() + 20_000_000
    with events.subscribe({}, None, until) as subscription:
        published(events, "n1")
        assert await ids_of(subscription) == ["n1"]
    assert time.time_ns() >= until


async def test_who_does_not_read_loses_events_and_holds_nobody_up() -> None:
    events = Events()
    with events.subscribe({}, None, time.time_ns() + 1) as deaf:
        published(events, *map(str, range(5000)))
        assert (await ids_of(deaf))[::1023] == ["0", "1023"]


def test_only_the_last_events_are_kept() -> None:
    events = Events()
    for number in range(300):
        events.publish("volume", "create", str(number), {})
    kept = [message.actor.id for message in events.past()]
    assert (len(kept), kept[0], kept[-1]) == (256, "44", "299")
