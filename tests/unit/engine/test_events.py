"""Events: kept, filtered, told to those who listen."""

import asyncio

import pytest

from runner.engine.events import Events, check_filters, matches, parse_time, subscribe
from runner.types.errors import InvalidParameter
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
        ({"network": ["web"]}, False),
    ],
)
def test_filters(filters: dict[str, list[str]], passes: bool) -> None:
    assert matches(START, filters) is passes


def test_some_actions_match_by_their_beginning() -> None:
    assert matches(HEALTH, {"event": ["health_status"]})
    assert matches(HEALTH, {"event": ["health_status: healthy"]})
    assert not matches(HEALTH, {"event": ["health"]})


def test_an_unknown_filter_is_an_error() -> None:
    with pytest.raises(InvalidParameter, match="invalid filter 'colour'"):
        check_filters({"colour": ["red"]})


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("", None), ("12", 12 * 10**9), ("12.5", 12_500_000_000), ("1970-01-01T00:00:01Z", 10**9)],
)
def test_times(text: str, nanoseconds: int | None) -> None:
    assert parse_time(text, "since") == nanoseconds


@pytest.mark.parametrize("text", ["yesterday", "\u00b2", "--5", "9" * 5000, "1.\u00b2"])
def test_a_bad_time_names_its_parameter(text: str) -> None:
    with pytest.raises(InvalidParameter, match='invalid value for "since"'):
        parse_time(text, "since")


async def test_past_and_present_reach_a_subscriber() -> None:
    events = Events()
    events.publish("network", "connect", "n1", {})
    seen = []

    async def listen() -> None:
        async for message in await subscribe(events, "1", "", {}):
            seen.append(message.actor.id)  # noqa: PERF401 it never ends

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.01)
    events.publish("network", "connect", "n2", {})
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert seen == ["n1", "n2"]


async def test_until_ends_the_stream() -> None:
    events = Events()
    events.publish("network", "connect", "n1", {})
    stream = await subscribe(events, "", "99", {})
    assert [message async for message in stream] == []


def test_only_the_last_events_are_kept() -> None:
    events = Events()
    for number in range(300):
        events.publish("volume", "create", str(number), {})
    kept = [message.actor.id for message in events.past()]
    assert (len(kept), kept[0], kept[-1]) == (256, "44", "299")
