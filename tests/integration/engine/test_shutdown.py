"""The end of an engine that takes its containers along, and what the next one makes of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.dockerd import Dockerd
from tests.support.engine import Engine
from tests.support.subject import Subject, assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd
    from tests.support.oci_runtime import OddRuntime

OBEDIENT = ["sh", "-c", "trap 'exit 7' TERM; until test -e /end; do sleep 0.1; done"]


@pytest.fixture(
    params=["ours", pytest.param("dockerd", marks=[pytest.mark.oracle, pytest.mark.thorough])]
)
def mortal(
    request: pytest.FixtureRequest,
    containerd: Containerd,
    busybox_tar: Path,
    odd_runtime: OddRuntime,
) -> Iterator[Subject]:
    """An engine without live-restore."""
    ours = request.param == "ours"
    daemon = Engine(containerd, arguments=["--live-restore=false"]) if ours else Dockerd()
    with daemon:
        daemon.load(busybox_tar)
        yield Subject(daemon, odd_runtime)


def policy(name: str) -> dict[str, object]:
    return {"RestartPolicy": {"Name": name}}


def is_running(subject: Subject, name: str) -> bool:
    return bool(subject.state(name)["Status"] == "running")


def test_containers_end_with_their_engine(mortal: Subject) -> None:
    policies = ("no", "always", "unless-stopped", "on-failure")
    for name in policies:
        mortal.create(*OBEDIENT, name=name, host=policy(name))
        assert mortal.start(name).status == 204
    mortal.create(*OBEDIENT, name="stopped", host=policy("unless-stopped"))
    mortal.start("stopped")
    mortal.docker("stop", "-t", "0", "stopped")
    mortal.create("true", name="gone", host={"AutoRemove": True})
    pids = {name: mortal.state(name)["Pid"] for name in policies}
    mortal.daemon.stop()
    assert mortal.ctr("tasks", "list", "--quiet").split() == []
    mortal.daemon.start()
    for name in ("always", "unless-stopped", "on-failure"):
        assert eventually(lambda name=name: is_running(mortal, name))  # type: ignore[misc]
        assert mortal.state(name)["Pid"] != pids[name]
    state = mortal.state("no")
    assert (state["Status"], state["ExitCode"]) == ("exited", 7)
    assert mortal.state("stopped")["Status"] == "exited"
    assert eventually(lambda: not mortal.exists("gone"))  # though it has never run


def test_an_engine_that_was_killed_ends_them_when_it_is_back(mortal: Subject) -> None:
    for name in ("no", "always", "unless-stopped"):
        mortal.create(*OBEDIENT, name=name, host=policy(name))
        assert mortal.start(name).status == 204
    pid = mortal.state("always")["Pid"]
    mortal.daemon.kill()
    mortal.daemon.start()
    assert eventually(lambda: is_running(mortal, "always"))
    assert mortal.state("always")["Pid"] != pid
    for name in ("no", "unless-stopped"):  # the latter by the engine's own stop
        state = mortal.state(name)
        assert (name, state["Status"], state["ExitCode"]) == (name, "exited", 7)


def test_one_that_does_not_obey_is_killed(mortal: Subject) -> None:
    mortal.create("sh", "-c", "trap '' TERM; sleep 1000", StopTimeout=1)
    mortal.start()
    began = time.monotonic()
    mortal.daemon.stop()
    assert time.monotonic() - began < 10
    mortal.daemon.start()
    assert mortal.state()["ExitCode"] == 137
    assert_settles(mortal.run_traces)
