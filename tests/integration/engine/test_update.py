"""Updates of a container that runs: in force at once, taken back when the runtime refuses."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytestmark = pytest.mark.root


def update(subject: Subject, wanted: dict[str, Any], name: str = "box") -> tuple[int, Any]:
    answer = subject.api("POST", f"/containers/{name}/update", wanted)
    return answer.status, answer.json()


def pids_limit(subject: Subject) -> str:
    """As the kernel has it."""
    pid = subject.state()["Pid"]
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("pids", ""):
            root = Path("/sys/fs/cgroup") / controllers
            if (file := root / path.lstrip("/") / "pids.max").exists():
                return file.read_text().strip()
    raise AssertionError("no pids controller")


def test_limits_hold_at_once_and_are_kept(subject: Subject) -> None:
    subject.create("sleep", "1000", host={"PidsLimit": 20})
    subject.start()
    assert pids_limit(subject) == "20"
    assert update(subject, {"PidsLimit": 17}) == (200, {"Warnings": None})
    assert pids_limit(subject) == "17"
    assert update(subject, {"PidsLimit": -1}) == (200, {"Warnings": None})
    assert pids_limit(subject) == "max"
    assert subject.inspect()["HostConfig"]["PidsLimit"] == 0


def test_a_container_that_does_not_run_gets_them_when_it_starts(subject: Subject) -> None:
    subject.create("sleep", "1000")
    assert update(subject, {"PidsLimit": 17}) == (200, {"Warnings": None})
    subject.start()
    assert pids_limit(subject) == "17"


@pytest.mark.runc
def test_what_the_runtime_refuses_is_taken_back(subject: Subject) -> None:
    identity = subject.create("sleep", "1000", host={"CpuShares": 100})
    subject.start()
    began = time.time_ns()
    status, answer = update(subject, {"CpuShares": 500_000, "RestartPolicy": {"Name": "always"}})
    assert status == 500
    assert answer["message"].startswith(f"Cannot update container {identity}: runc did not")
    settings = subject.inspect()["HostConfig"]
    assert (settings["CpuShares"], settings["RestartPolicy"]["Name"]) == (100, "no")
    assert [line.split()[:2] for line in subject.events(began)] == [["container", "update"]]


def test_a_restart_policy_is_in_force_for_the_run_that_goes_on(subject: Subject) -> None:
    subject.create("sleep", "1000")
    subject.start()
    assert update(subject, {"RestartPolicy": {"Name": "always"}})[0] == 200
    # not by the engine, to which it would be a stop by hand
    os.kill(subject.state()["Pid"], signal.SIGKILL)
    assert eventually(lambda: subject.inspect()["RestartCount"] == 1)
    assert update(subject, {"RestartPolicy": {"Name": "no"}})[0] == 200


def test_a_policy_taken_away_ends_the_restarts(subject: Subject) -> None:
    subject.create("false", host={"RestartPolicy": {"Name": "always"}})
    subject.start()
    assert eventually(lambda: subject.inspect()["RestartCount"] > 0)
    # refused by the runtime, and taken back, when it meets a run that has just ended
    assert eventually(lambda: update(subject, {"RestartPolicy": {"Name": "no"}})[0] == 200)
    assert eventually(lambda: subject.state()["Status"] == "exited")


def test_a_container_being_removed_is_not_updated(subject: Subject) -> None:
    subject.create("true")
    subject.docker("rm", "box")
    status, answer = update(subject, {"PidsLimit": 5})
    assert (status, answer["message"]) == (404, "No such container: box")
