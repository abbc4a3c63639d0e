"""Which starts are refused, and what becomes of several at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from runner.engine.start import _validate_state
from runner.engine.state import State
from runner.types.errors import Conflict, NotModified
from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

PAUSED = "cannot start a paused container, try unpause instead"
DOOMED = "container is marked for removal and cannot be started"


@pytest.mark.parametrize(
    ("state", "error", "text"),
    [
        (State(running=True, paused=True, removal_in_progress=True), Conflict, PAUSED),
        (State(running=True, removal_in_progress=True), NotModified, "container is already run"),
        (State(running=True, restarting=True), NotModified, "container is already running"),
        (State(removal_in_progress=True), Conflict, DOOMED),
        (State(dead=True), Conflict, DOOMED),
    ],
)
def test_the_order_of_the_questions(state: State, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        _validate_state(state)


def test_a_running_container_is_not_started_again(subject: Subject) -> None:
    subject.create("sleep", "1000")
    assert subject.start().status == 204
    first = subject.state()
    began = time.time_ns()
    answer = subject.start()
    assert (answer.status, answer.body) == (304, b"")
    assert subject.state() == first
    assert subject.events(began) == []
    done = subject.docker("start", "box")
    assert (done.returncode, done.stdout, done.stderr) == (0, "box\n", "")


def test_a_paused_container_is_not_started(subject: Subject) -> None:
    identity = subject.create("sleep", "1000")
    assert subject.start().status == 204
    subject.ctr("tasks", "pause", identity)
    assert eventually(lambda: subject.state()["Paused"])
    assert subject.state()["Status"] == "paused"
    answer = subject.start()
    assert (answer.status, answer.message) == (409, PAUSED)
    answer = subject.api("POST", "/containers/box/attach?stream=1&stdout=1")
    assert answer.status == 409
    assert answer.body == b"container box is paused, unpause the container before attach\r\n"
    answer = subject.api("DELETE", "/containers/box")
    assert answer.status == 409
    assert answer.message == (
        'cannot remove container "box": container is paused and must be unpaused first'
    )
    subject.ctr("tasks", "resume", identity)
    assert eventually(lambda: not subject.state()["Paused"])
    assert subject.state()["Status"] == "running"


def test_a_paused_container_can_be_killed(subject: Subject) -> None:
    identity = subject.create("sleep", "1000")
    assert subject.start().status == 204
    subject.ctr("tasks", "pause", identity)
    assert eventually(lambda: subject.state()["Paused"])
    assert subject.api("POST", "/containers/box/kill").status == 204
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Paused"]) == ("exited", 137, False)


def test_eight_starts_at_once(subject: Subject) -> None:
    subject.create("sleep", "1000")
    began = time.time_ns()
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: subject.start().status, range(8)))
    assert set(statuses) <= {204, 304}
    assert statuses[0] == 204
    assert subject.events(began).count("container start name=box") == 1
    assert len([item for item in subject.run_traces() if item.startswith("shim")]) == 1


def test_removal_while_it_starts(subject: Subject) -> None:
    """The removal waits for the start, and then kills."""
    gate = subject.runtime.block("create")
    subject.create("sleep", "1000", host={"Runtime": "odd"})
    with ThreadPoolExecutor(2) as pool:
        started = pool.submit(subject.start)
        gate.wait()
        removed = pool.submit(subject.api, "DELETE", "/containers/box?force=1")
        gate.open()
        assert started.result().status in {204, 409, 500}
        assert removed.result().status == 204
    assert not subject.exists()
    if subject.is_ours:
        assert_settles(subject.traces)


def test_starts_race_with_removals(ours: Subject) -> None:
    """Whoever wins, the container is gone and has left nothing."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(6):
            ours.create("sleep", "1000")
            started = pool.submit(ours.start)
            removed = pool.submit(ours.api, "DELETE", "/containers/box?force=1")
            assert removed.result().status == 204
            answer = started.result()
            assert answer.status in {204, 404, 409}, answer.message
            assert not ours.exists()
    assert_settles(ours.traces)


def test_the_client_goes_away_in_mid_start(subject: Subject) -> None:
    """The start goes on without it."""
    gate = subject.runtime.block("create")
    subject.create("sh", "-c", "echo hello; exit 5", host={"Runtime": "odd"})
    connection = subject.connection()
    connection.request("POST", "/v1.51/containers/box/start")
    gate.wait()
    connection.close()
    gate.open()
    assert eventually(lambda: subject.state()["Status"] == "exited")
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 5, "")
    assert subject.logs() == "hello\n"
    assert_settles(subject.run_traces)
