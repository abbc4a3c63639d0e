"""What a crash has left in containerd under our ID is replaced (moby ReplaceContainer).

A task that somebody starts past it is taken for its own by a dockerd that listens; only one that
was started unseen is stale. So the cases with a task are asked of ours alone.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from runner.containerd.mount import mount_all
from runner.containerd.values import Mount
from tests.support.process import Process
from tests.support.subject import assert_settles, eventually
from tests.support.toolchain import static_busybox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.subject import Subject

BUNDLES = "io.containerd.runtime.v2.task"


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """The root filesystem of containers that `ctr` makes."""
    root = tmp_path / "rootfs"
    for folder in ("bin", "dev", "proc", "sys", "tmp"):
        (root / folder).mkdir(parents=True)
    shutil.copy(static_busybox(), root / "bin/busybox")
    return root


def stale_task(subject: Subject, rootfs: Path, identity: str, *command: str) -> int:
    """Run a container of that ID past the engine; its PID."""
    busybox = ("/bin/busybox", *command)
    subject.ctr("run", "--detach", "--null-io", "--rootfs", str(rootfs), identity, *busybox)
    return int(subject.ctr("tasks", "list").split(identity)[1].split()[0])


def task_status(subject: Subject, identity: str) -> str:
    return subject.ctr("tasks", "list").split(identity)[1].split()[1]


def assert_runs_as_if_nothing_had_been(subject: Subject) -> None:
    answer = subject.start()
    assert answer.status == 204, answer.message
    assert subject.wait() == {"StatusCode": 5}
    assert subject.logs() == "hello\n"
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 5, "")
    assert_settles(subject.run_traces)


def test_a_stale_container(subject: Subject, rootfs: Path) -> None:
    identity = subject.create("sh", "-c", "echo hello; exit 5")
    subject.ctr("containers", "create", "--rootfs", str(rootfs), identity, "/bin/true")
    assert_runs_as_if_nothing_had_been(subject)


def test_a_stale_container_with_a_running_task(ours: Subject, rootfs: Path) -> None:
    identity = ours.create("sh", "-c", "echo hello; exit 5")
    pid = stale_task(ours, rootfs, identity, "sleep", "1000")
    assert task_status(ours, identity) == "RUNNING"
    assert_runs_as_if_nothing_had_been(ours)
    assert Process.read(pid) is None


def test_a_stale_container_with_several_processes(ours: Subject, rootfs: Path) -> None:
    identity = ours.create("sh", "-c", "echo hello; exit 5")
    stale_task(ours, rootfs, identity, "sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000")
    assert_runs_as_if_nothing_had_been(ours)
    assert not any(identity in item for item in ours.run_traces())


def test_a_stale_container_with_a_stopped_task(ours: Subject, rootfs: Path) -> None:
    identity = ours.create("sh", "-c", "echo hello; exit 5")
    stale_task(ours, rootfs, identity, "sh", "-c", "exit 9")
    assert eventually(lambda: task_status(ours, identity) == "STOPPED")
    assert_runs_as_if_nothing_had_been(ours)


def test_the_bundle_that_a_killed_containerd_has_kept(ours: Subject, tmp_path: Path) -> None:
    identity = ours.create("sh", "-c", "echo hello; exit 5")
    bundle = ours.daemon.containerd.state / BUNDLES / ours.daemon.namespace / identity
    (bundle / "rootfs").mkdir(parents=True)
    (bundle / "config.json").write_text("{}")
    kept = tmp_path / "kept"
    (kept / "folder").mkdir(parents=True)
    (bundle / "work").symlink_to(kept)
    mount = Mount(type="bind", source=str(kept), options=("rbind",))
    mount_all([mount], bundle / "rootfs")
    assert_runs_as_if_nothing_had_been(ours)
    assert (kept / "folder").is_dir()
