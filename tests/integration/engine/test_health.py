"""Health checks: events, and what starts, stops, pauses and engines that start anew do to them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

MILLISECOND = 10**6


def run(subject: Subject, probe: str, **check: Any) -> None:
    """Run a container with a health check every 100 ms."""
    settings = {"Test": ["CMD-SHELL", probe], "Interval": 100 * MILLISECOND, "Retries": 1, **check}
    subject.create("sleep", "1000", Healthcheck=settings)
    assert subject.start().status == 204


def health(subject: Subject) -> dict[str, Any]:
    return dict(subject.state()["Health"])


def becomes(subject: Subject, status: str) -> bool:
    return bool(eventually(lambda: health(subject)["Status"] == status))


def changes(subject: Subject, since: int) -> list[str]:
    return [line for line in subject.events(since) if "health_status" in line]


def test_there_and_back(subject: Subject) -> None:
    began = time.time_ns()
    run(subject, "test -e /ok")
    assert becomes(subject, "unhealthy")
    subject.docker("exec", "box", "touch", "/ok")
    assert becomes(subject, "healthy")
    subject.docker("exec", "box", "rm", "/ok")
    assert becomes(subject, "unhealthy")
    expected = ["unhealthy", "healthy", "unhealthy"]
    assert changes(subject, began) == [
        f"container health_status: {status} name=box" for status in expected
    ]
    probes = [line for line in subject.events(began) if "test -e /ok" in line]
    assert "exec_create: /bin/sh -c test -e /ok" in probes[0]
    assert "exec_start: /bin/sh -c test -e /ok" in probes[1]


def test_the_log(subject: Subject) -> None:
    run(subject, "echo out; echo err >&2; exit 3", Retries=3)
    assert eventually(lambda: len(health(subject)["Log"]) == 5)
    document = health(subject)
    assert document["FailingStreak"] >= 3
    for result in document["Log"]:
        assert list(result) == ["Start", "End", "ExitCode", "Output"]
        assert result["ExitCode"] == 3
        assert sorted(result["Output"].splitlines()) == ["err", "out"]  # two streams: no order
        assert result["Start"] < result["End"]


def test_a_stop_is_no_change_and_a_start_begins_anew(subject: Subject) -> None:
    created = time.time_ns()
    # Seldom, so that none is under way at the stop: that one would be killed, and have failed.
    run(subject, "true", Interval=1000 * MILLISECOND)
    assert becomes(subject, "healthy")
    assert eventually(lambda: changes(subject, created))  # told after it is so
    began = time.time_ns()
    subject.docker("stop", "-t", "0", "box")
    assert health(subject)["Status"] == "unhealthy"
    assert changes(subject, began) == []
    assert subject.start().status == 204
    assert health(subject)["Log"]
    assert becomes(subject, "healthy")


def test_a_pause_ends_the_looking(subject: Subject) -> None:
    run(subject, "true")
    assert becomes(subject, "healthy")
    subject.docker("pause", "box")
    paused = health(subject)
    assert paused["Status"] == "unhealthy"
    time.sleep(0.5)
    assert health(subject) == paused
    subject.docker("unpause", "box")
    assert becomes(subject, "healthy")


def test_a_probe_that_takes_too_long_is_killed(subject: Subject) -> None:
    run(subject, "echo begun; sleep 1000", Timeout=300 * MILLISECOND)
    assert becomes(subject, "unhealthy")
    result = health(subject)["Log"][0]
    assert result["ExitCode"] == -1
    assert result["Output"] == "Health check exceeded timeout (300ms): begun\n"
    subject.docker("pause", "box")  # no further probe
    subject.docker("unpause", "box")


def test_a_probe_under_way_does_not_hold_up_the_end(subject: Subject) -> None:
    run(subject, "sleep 1000")
    assert eventually(lambda: subject.inspect()["ExecIDs"])
    began = time.monotonic()
    subject.docker("kill", "box")
    assert time.monotonic() - began < 5
    assert eventually(lambda: not subject.inspect()["ExecIDs"])
    subject.docker("rm", "box")
    assert_settles(subject.traces)


def test_the_start_period(subject: Subject) -> None:
    seconds = 1000 * MILLISECOND
    run(subject, "exit 1", StartPeriod=1000 * seconds, StartInterval=50 * MILLISECOND)
    assert eventually(lambda: len(health(subject)["Log"]) == 5)
    document = health(subject)
    assert (document["Status"], document["FailingStreak"]) == ("starting", 0)


def test_an_engine_that_starts_anew_looks_again(ours: Subject) -> None:
    run(ours, "test -e /ok")
    assert becomes(ours, "unhealthy")
    ours.daemon.kill()
    ours.daemon.start()
    assert becomes(ours, "unhealthy")
    ours.docker("exec", "box", "touch", "/ok")
    assert becomes(ours, "healthy")


def test_restarts_by_policy_begin_anew(subject: Subject) -> None:
    settings = {"Test": ["CMD", "true"], "Interval": 50 * MILLISECOND}
    subject.create(
        *("sh", "-c", "until test -e /end; do sleep 0.1; done; rm /end; exit 1"),
        Healthcheck=settings,
        host={"RestartPolicy": {"Name": "on-failure"}},
    )
    subject.start()
    assert becomes(subject, "healthy")
    began = time.time_ns()
    subject.docker("exec", "box", "touch", "/end")
    assert eventually(lambda: subject.inspect()["RestartCount"] == 1)
    assert eventually(lambda: changes(subject, began))
    assert changes(subject, began)[0] == "container health_status: healthy name=box"
