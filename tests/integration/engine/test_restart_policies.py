"""Restart policies, as far as a start needs them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

RUN = [
    "network connect name=bridge type=bridge",
    "container start name=box",
    "network disconnect name=bridge type=bridge",
    "container die exitCode=3 name=box",
]


def on_failure(count: int) -> dict[str, object]:
    return {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": count}}


def is_done(subject: Subject) -> bool:
    return bool(subject.state()["Status"] == "exited")


def test_on_failure_tries_as_often_as_it_may(subject: Subject) -> None:
    subject.create("sh", "-c", "echo run; exit 3", host=on_failure(2))
    began = time.time_ns()
    assert subject.start().status == 204
    assert eventually(lambda: subject.inspect()["RestartCount"] == 2 and is_done(subject))
    assert subject.events(began) == RUN * 3
    state = subject.state()
    assert (state["ExitCode"], state["Restarting"], state["Running"]) == (3, False, False)
    assert subject.logs() == "run\n" * 3
    assert_settles(subject.run_traces)


def test_a_success_is_not_tried_again(subject: Subject) -> None:
    subject.create("true", host=on_failure(2))
    assert subject.start().status == 204
    assert eventually(lambda: is_done(subject))
    assert (subject.inspect()["RestartCount"], subject.state()["ExitCode"]) == (0, 0)


def test_a_start_by_hand_counts_anew(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 3", host=on_failure(1))
    for _ in range(2):
        assert subject.start().status == 204
        assert eventually(lambda: subject.inspect()["RestartCount"] == 1 and is_done(subject))


def test_always_is_ended_by_a_stop(subject: Subject) -> None:
    subject.create("sleep", "1000", host={"RestartPolicy": {"Name": "always"}})
    assert subject.start().status == 204
    first = subject.state()["Pid"]
    task = ["tasks", "kill", "--signal", "SIGKILL", subject.inspect()["Id"]]
    subject.ctr(*task)  # not by the engine: it comes back
    assert eventually(
        lambda: (
            subject.inspect()["RestartCount"] == 1
            and subject.state()["Status"] == "running"
            and subject.state()["Pid"] not in {0, first}
        )
    )
    assert subject.api("POST", "/containers/box/stop?t=0").status == 204
    assert is_done(subject)
    assert subject.state()["ExitCode"] == 137
    assert_settles(subject.run_traces)


def test_a_start_that_fails_is_not_tried_again(subject: Subject) -> None:
    subject.create("nonexist", host={"RestartPolicy": {"Name": "always"}})
    assert subject.start().status == 400
    assert (subject.state()["Status"], subject.inspect()["RestartCount"]) == ("created", 0)
    assert_settles(subject.run_traces)


def test_stopped_while_it_waits_for_its_next_try(subject: Subject) -> None:
    """A back-off of some seconds: the stop ends it."""
    subject.create("sh", "-c", "exit 3", host={"RestartPolicy": {"Name": "always"}})
    assert subject.start().status == 204
    assert eventually(lambda: subject.inspect()["RestartCount"] >= 4)
    assert eventually(lambda: subject.state()["Status"] == "restarting")
    assert subject.api("POST", "/containers/box/stop").status == 204
    assert is_done(subject)
    assert subject.state()["ExitCode"] == 3
    assert_settles(subject.run_traces)
