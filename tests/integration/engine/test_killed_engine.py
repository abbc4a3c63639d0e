"""SIGKILL for the engine at every stage of a start and of a container's life, and a new start."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.oci_runtime import DEFAULT_RUNTIME
from tests.support.process import Process, processes
from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.subject import Subject

ODD = {"Runtime": "odd"}


class Starting:
    """A start whose answer nobody may ever give."""

    def __init__(self, subject: Subject) -> None:
        self._connection = subject.connection()
        self._connection.request("POST", "/v1.51/containers/box/start")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def crash(ours: Subject) -> Iterator[Crash]:
    """A crash of our engine; what of it was not brought up again is brought up."""
    yield Crash(ours)
    ours.runtime.behave()


class Crash:
    """Kills the engine and starts it again."""

    def __init__(self, subject: Subject) -> None:
        self._daemon = subject.daemon

    def kill(self) -> None:
        self._daemon.kill()

    def recover(self) -> None:
        self._daemon.start()


def assert_not_started(ours: Subject) -> None:
    """As if nobody had ever tried."""
    state = ours.state()
    assert (state["Status"], state["Running"], state["Pid"]) == ("created", False, 0)
    assert (state["ExitCode"], state["Error"]) == (0, "")
    assert_settles(ours.run_traces)


def assert_can_be_started(ours: Subject) -> None:
    ours.runtime.behave()
    answer = ours.start()
    assert answer.status == 204, answer.message
    assert ours.wait() == {"StatusCode": 5}
    assert ours.logs() == "hello\n"
    assert_settles(ours.run_traces)


def assert_can_be_removed(ours: Subject) -> None:
    assert ours.api("DELETE", "/containers/box").status == 204
    assert_settles(ours.traces)


def is_in_a_container(process: Process) -> bool:
    """Whether its process namespace is another one, or it has gone."""
    with suppress(OSError):
        return os.readlink(f"/proc/{process.pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    return True


def made_for_nobody(identity: str) -> None:
    """Wait until the runtime has done its work, whose shim and engine have gone."""
    creating = re.compile(rf"{DEFAULT_RUNTIME} .*create .*{identity}")

    def works(process: Process) -> bool:
        found = creating.search(" ".join(process.command)) is not None
        return found and not is_in_a_container(process)  # crun's child keeps crun's words

    assert eventually(lambda: not any(map(works, processes())))


@pytest.mark.parametrize("network", ["bridge", "none"])
@pytest.mark.parametrize("stage", ["create", "start"])
def test_in_mid_start(ours: Subject, crash: Crash, stage: str, network: str) -> None:
    """While the runtime is at work, once it is asked to create, once to start."""
    gate = ours.runtime.block(stage)
    host = {**ODD, "NetworkMode": network}
    identity = ours.create("sh", "-c", "echo hello; exit 5", host=host)
    starting = Starting(ours)
    gate.wait()
    crash.kill()
    starting.close()
    gate.open()
    made_for_nobody(identity)
    crash.recover()
    assert_not_started(ours)
    assert_can_be_started(ours)


@pytest.mark.parametrize("then", [assert_can_be_started, assert_can_be_removed])
def test_the_runtime_finishes_its_work_after_all(
    ours: Subject, crash: Crash, then: Callable[[Subject], None]
) -> None:
    """The new engine is there when the runtime makes what the old one had wanted."""
    gate = ours.runtime.block("create")
    identity = ours.create("sh", "-c", "echo hello; exit 5", host=ODD)
    starting = Starting(ours)
    gate.wait()
    crash.kill()
    starting.close()
    crash.recover()
    assert_not_started(ours)
    gate.open()
    made_for_nobody(identity)
    then(ours)


def test_before_anything_is_in_containerd(ours: Subject, crash: Crash) -> None:
    """containerd hangs, so that Containers.Create is under way; it is done after the engine's end,
    or never."""
    ours.create("sh", "-c", "echo hello; exit 5")
    containerd = ours.daemon.containerd.daemon.pid
    assert containerd
    os.kill(containerd, signal.SIGSTOP)
    try:
        starting = Starting(ours)
        namespaces = ours.daemon.workspace.path / "exec/netns"
        assert eventually(lambda: any(namespaces.iterdir()))
        crash.kill()
        starting.close()
    finally:
        os.kill(containerd, signal.SIGCONT)
    crash.recover()
    assert_not_started(ours)
    assert_can_be_started(ours)


@pytest.mark.parametrize("after", [0.02, 0.05, 0.08, 0.12])
def test_at_any_moment(ours: Subject, crash: Crash, after: float) -> None:
    """Wherever the start is by then, it has not begun, or the container runs."""
    identity = ours.create("sleep", "1000")
    starting = Starting(ours)
    time.sleep(after)
    crash.kill()
    starting.close()
    crash.recover()
    state = ours.state()
    if state["Running"]:
        assert (state["Status"], state["Error"]) == ("running", "")
        assert identity in ours.ctr("tasks", "list")
        assert (process := Process.read(state["Pid"]))
        assert "sleep" in process.command[0]
    elif state["Status"] == "created":
        answer = ours.start()  # although containerd may still be sweeping up
        assert answer.status == 204, answer.message
    else:  # it ran, and was known to run, but not its PID's task
        assert (state["Status"], state["ExitCode"]) == ("exited", 255)


def test_a_running_container_runs_on(ours: Subject, crash: Crash) -> None:
    """Its log goes on, its PID is the same, its exit is noticed."""
    script = "echo one; read x; echo two; echo err >&2; exit 6"
    ours.create("sh", "-c", script, OpenStdin=True)
    assert ours.start().status == 204
    before = ours.state()
    assert eventually(lambda: ours.logs() == "one\n")
    network = ours.inspect()["NetworkSettings"]
    crash.kill()
    crash.recover()
    assert ours.state() == before
    assert ours.inspect()["NetworkSettings"] == network
    began = time.time_ns()
    ours.docker("attach", "--sig-proxy=false", "box", input="\n")
    assert ours.wait() == {"StatusCode": 6}
    assert sorted(ours.logs().split()) == ["err", "one", "two"]
    assert "container die exitCode=6 name=box" in ours.events(began)
    assert_settles(ours.run_traces)


def test_a_running_container_exits_while_nobody_looks(ours: Subject, crash: Crash) -> None:
    ours.create("sh", "-c", "echo one; read x; echo two; exit 6", OpenStdin=True)
    assert ours.start().status == 204
    identity = ours.inspect()["Id"]
    assert eventually(lambda: ours.logs() == "one\n")
    crash.kill()
    ours.ctr("tasks", "kill", "--signal", "SIGKILL", identity)
    assert eventually(lambda: "STOPPED" in ours.ctr("tasks", "list"))
    crash.recover()
    state = ours.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 137, "")
    assert state["FinishedAt"] > state["StartedAt"]
    assert ours.logs() == "one\n"
    assert_settles(ours.run_traces)


def test_a_task_that_vanished_ended_with_255(ours: Subject, crash: Crash) -> None:
    identity = ours.create("sleep", "1000")
    assert ours.start().status == 204
    crash.kill()
    ours.ctr("tasks", "delete", "--force", identity)
    crash.recover()
    state = ours.state()
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 255, 0)
    assert_settles(ours.run_traces)


def test_what_was_written_while_nobody_read_is_in_the_log(ours: Subject, crash: Crash) -> None:
    ours.create("sh", "-c", "echo one; read x; seq 1 1000; read x; exit 6", OpenStdin=True)
    assert ours.start().status == 204
    assert eventually(lambda: ours.logs() == "one\n")
    stdin = ours.daemon.workspace.path / "exec/containers" / ours.inspect()["Id"] / "init-stdin"
    crash.kill()
    descriptor = os.open(stdin, os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, b"\n")
    os.close(descriptor)
    crash.recover()
    everything = "one\n" + "".join(f"{number}\n" for number in range(1, 1001))
    assert eventually(lambda: ours.logs() == everything)
    assert ours.state()["Running"]


def test_an_auto_remove_container_that_ended_is_removed(ours: Subject, crash: Crash) -> None:
    identity = ours.create("sleep", "1000", host={"AutoRemove": True})
    assert ours.start().status == 204
    crash.kill()
    ours.ctr("tasks", "kill", "--signal", "SIGKILL", identity)
    crash.recover()
    assert eventually(lambda: not ours.exists())
    assert_settles(ours.traces)


def test_policies_bring_containers_back(ours: Subject, crash: Crash) -> None:
    names = ["no", "always", "unless-stopped", "on-failure"]
    pids = {}
    for name in names:
        policy = {"RestartPolicy": {"Name": name}}
        ours.create("sleep", "1000", name=f"box-{name}", host=policy)
        assert ours.start(f"box-{name}").status == 204
        pids[name] = ours.state(f"box-{name}")["Pid"]
    identities = {name: ours.inspect(f"box-{name}")["Id"] for name in names}
    crash.kill()
    for identity in identities.values():
        ours.ctr("tasks", "kill", "--signal", "SIGKILL", identity)
    crash.recover()
    for name in names[1:]:
        assert eventually(lambda name=name: ours.state(f"box-{name}")["Status"] == "running")
        assert ours.state(f"box-{name}")["Pid"] != pids[name]
    state = ours.state("box-no")
    assert (state["Status"], state["ExitCode"]) == ("exited", 137)


def test_a_removal_is_finished(ours: Subject, crash: Crash) -> None:
    """What was answered is true: the container is gone, and what it had goes as well."""
    gate = ours.runtime.block("delete")
    ours.create("true", host=ODD)
    assert ours.start().status == 204
    assert ours.wait() == {"StatusCode": 0}
    gate.wait()
    assert ours.api("DELETE", "/containers/box").status == 204
    crash.kill()
    gate.open()
    crash.recover()
    assert not ours.exists()
    assert_settles(ours.traces)


def test_last_words_while_no_engine_runs(ours: Subject, crash: Crash) -> None:
    """The shim has closed its FIFOs by the time that an engine is back."""
    ours.create("sh", "-c", "until test -e /end; do sleep 0.1; done; echo last; echo words >&2")
    assert ours.start().status == 204
    root = ours.daemon.data_root / "rootfs/overlayfs" / ours.identity()  # type: ignore[union-attr]
    crash.kill()
    (root / "end").touch()
    task = ours.ctr("tasks", "list", "--quiet").strip()
    assert eventually(lambda: "STOPPED" in ours.ctr("tasks", "list") or not task)
    time.sleep(0.3)
    crash.recover()
    assert (ours.state()["Status"], ours.state()["ExitCode"]) == ("exited", 0)
    assert sorted(ours.logs().split()) == ["last", "words"]
    assert_settles(ours.run_traces)


def test_output_beyond_what_a_pipe_holds(ours: Subject, crash: Crash) -> None:
    """The container waits until somebody reads again, and no line is lost.

    What was just being logged when the engine was killed may be there twice.
    """
    ours.create("sh", "-c", "seq 30000; until test -e /end; do sleep 0.1; done; echo end")
    assert ours.start().status == 204
    for _ in range(3):
        crash.kill()
        crash.recover()
    ours.docker("exec", "box", "touch", "/end")
    ours.wait()
    *lines, last = ours.logs().split()
    assert last == "end"
    reached = 0
    for number in map(int, lines):
        assert number <= reached + 1
        reached = max(reached, number)
    assert reached == 30000
