"""The state model: which status follows from which flags, and what `ps` says of it."""

import asyncio

import pytest

from runner.engine import state as states
from runner.engine.exit_status import ExitStatus
from runner.engine.state import State, Status, WaitCondition, Waiters, describe, human_duration
from runner.types import times
from runner.types.errors import InvalidParameter

RAN = "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({}, Status.CREATED),
        ({"started_at": RAN}, Status.EXITED),
        ({"running": True}, Status.RUNNING),
        ({"running": True, "paused": True}, Status.PAUSED),
        ({"running": True, "restarting": True}, Status.RESTARTING),
        ({"running": True, "paused": True, "restarting": True}, Status.PAUSED),
        ({"removal_in_progress": True}, Status.REMOVING),
        ({"dead": True}, Status.DEAD),
        ({"dead": True, "removal_in_progress": True}, Status.REMOVING),
        ({"running": True, "dead": True}, Status.RUNNING),
    ],
)
def test_status(flags: dict[str, object], status: Status) -> None:
    assert State(**flags).status is status


def test_a_start_forgets_the_previous_run() -> None:
    state = State(error="boom", exit_code=127, oom_killed=True, restarting=True)
    state.set_running(42, RAN)
    assert (state.status, state.pid, state.exit_code, state.error) == (Status.RUNNING, 42, 0, "")
    assert not state.oom_killed


def test_a_stop_keeps_how_it_ended() -> None:
    state = State()
    state.set_running(42, RAN)
    state.set_stopped(ExitStatus(137, "2026-01-02T03:04:06Z"))
    assert (state.status, state.pid, state.exit_code) == (Status.EXITED, 0, 137)
    assert state.inspect().finished_at == "2026-01-02T03:04:06Z"


def test_restarting_counts_as_running() -> None:
    state = State(started_at=RAN)
    state.set_restarting(ExitStatus(1, RAN))
    assert (state.running, state.status) == (True, Status.RESTARTING)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 24 * 3600, "13 days"),
        (14 * 24 * 3600, "2 weeks"),
        (60 * 24 * 3600, "2 months"),
        (730 * 24 * 3600, "2 years"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    now = times.parse_ns(RAN) + 5_000_000_000
    monkeypatch.setattr(states.time, "time_ns", lambda: now)
    ran = {"started_at": RAN, "finished_at": RAN}
    assert describe(State()) == "Created"
    assert describe(State(running=True, started_at=RAN)) == "Up 5 seconds"
    assert describe(State(running=True, paused=True, started_at=RAN)) == "Up 5 seconds (Paused)"
    assert describe(State(exit_code=3, **ran)) == "Exited (3) 5 seconds ago"
    restarting = State(running=True, restarting=True, exit_code=1, **ran)
    assert describe(restarting) == "Restarting (1) 5 seconds ago"
    assert describe(State(dead=True)) == "Dead"
    assert describe(State(removal_in_progress=True)) == "Removal In Progress"


def test_wait_conditions() -> None:
    assert WaitCondition.parse("") is WaitCondition.NOT_RUNNING
    assert WaitCondition.parse("next-exit") is WaitCondition.NEXT_EXIT
    with pytest.raises(InvalidParameter, match='invalid condition: "gone"'):
        WaitCondition.parse("gone")


async def test_a_removal_wakes_everybody_an_exit_only_some() -> None:
    waiters = Waiters()
    stop, removed = waiters.on_stop(), waiters.on_removed()
    waiters.stopped()
    await asyncio.wait_for(stop, 1)
    assert not removed.done()
    late = waiters.on_stop()
    waiters.removed()
    await asyncio.wait_for(asyncio.gather(removed, late), 1)


async def test_a_waiter_that_went_away_is_forgotten() -> None:
    waiters = Waiters()
    waiters.on_stop().cancel()
    await asyncio.sleep(0)
    waiters.stopped()
    assert not waiters._stop
