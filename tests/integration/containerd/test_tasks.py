"""Real processes through shim and runc."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.containerd.runc import RuncOptions
from runner.containerd.tasks import Status
from runner.containerd.values import ZERO_TIME
from runner.types.errors import AlreadyExists, FailedPrecondition, NotFound, System
from tests.integration.containerd.conftest import process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.containerd.client import Containerd
    from tests.integration.containerd.conftest import Workload


class Fifos:
    """A process's standard streams, with the ends that are ours open."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.paths = {name: str(directory / name) for name in names}
        for path in self.paths.values():
            os.mkfifo(path)
        # Opened for both directions, so that neither this nor the shim's open waits for the other.
        self.stdin = os.open(self.paths["stdin"], os.O_RDWR)
        self.outputs = {
            name: os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            for name, path in self.paths.items()
            if name != "stdin"
        }

    def write(self, data: bytes) -> None:
        os.write(self.stdin, data)

    async def read_to_end(self, name: str) -> bytes:
        os.set_blocking(self.outputs[name], True)
        with os.fdopen(os.dup(self.outputs[name]), "rb") as file:
            return await asyncio.to_thread(file.read)

    def close_stdin(self) -> None:
        os.close(self.stdin)
        self.stdin = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        for fd in (self.stdin, *self.outputs.values()):
            os.close(fd)


@pytest.fixture
def pipes(tmp_path: Path) -> Iterator[Fifos]:
    fifos = Fifos(tmp_path, "stdin", "stdout", "stderr")
    yield fifos
    fifos.close()


@pytest.fixture
def tty(tmp_path: Path) -> Iterator[Fifos]:
    fifos = Fifos(tmp_path, "stdin", "stdout")
    yield fifos
    fifos.close()


async def test_the_life_of_a_task(client: Containerd, workload: Workload) -> None:
    box = await workload.record("sh", "-c", "exit 3")
    pid = await client.tasks.create(box, rootfs=workload.mounts)
    created = await client.tasks.get(box)
    assert (created.status, created.pid, created.exec_id) == (Status.CREATED, pid, "")
    assert (created.container_id, created.exited_at) == (box, ZERO_TIME)
    waiting = asyncio.create_task(client.tasks.wait(box))
    assert await client.tasks.start(box) == pid
    ended = await waiting
    assert ended.status == 3
    assert abs(ended.exited_at - datetime.now(UTC)) < timedelta(minutes=1)
    stopped = await client.tasks.get(box)
    assert (stopped.status, stopped.exit_status) == (Status.STOPPED, 3)
    assert stopped.exited_at == ended.exited_at
    deleted = await client.tasks.delete(box)
    assert (deleted.status, deleted.exited_at, deleted.pid) == (3, ended.exited_at, pid)
    with pytest.raises(NotFound):
        await client.tasks.get(box)


async def test_list_names_each_task_once(client: Containerd, workload: Workload) -> None:
    boxes = {await workload.created("true"), await workload.running("sleep", "60")}
    tasks = await client.tasks.list()
    assert {task.container_id for task in tasks} == boxes
    assert {task.exec_id for task in tasks} == {""}


async def test_kill_tells_the_signal_in_the_exit_status(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.running("sleep", "60")
    await client.tasks.kill(box, signal.SIGKILL)
    assert (await client.tasks.wait(box)).status == 128 + signal.SIGKILL


async def test_kill_after_the_end_is_not_found(client: Containerd, workload: Workload) -> None:
    box = await workload.ended("true")
    with pytest.raises(NotFound):
        await client.tasks.kill(box, signal.SIGTERM)


async def test_wait_answers_after_the_end_and_not_before_create_or_after_delete(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.record("true")
    with pytest.raises(NotFound):
        await client.tasks.wait(box)
    await client.tasks.create(box, rootfs=workload.mounts)
    await client.tasks.start(box)
    await client.tasks.wait(box)
    assert (await client.tasks.wait(box)).status == 0
    await client.tasks.delete(box)
    with pytest.raises(NotFound):
        await client.tasks.wait(box)


async def test_a_second_task_of_a_container(client: Containerd, workload: Workload) -> None:
    box = await workload.created("true")
    with pytest.raises(AlreadyExists):
        await client.tasks.create(box, rootfs=workload.mounts)


async def test_deleting_a_running_task(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    with pytest.raises(FailedPrecondition, match="cannot delete a running process"):
        await client.tasks.delete(box)


async def test_starting_twice(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    with pytest.raises(FailedPrecondition, match="cannot start a running process"):
        await client.tasks.start(box)


async def test_starting_what_has_ended(client: Containerd, workload: Workload) -> None:
    box = await workload.ended("true")
    with pytest.raises(FailedPrecondition, match="cannot start a stopped process"):
        await client.tasks.start(box)


async def test_a_missing_executable_fails_in_create_with_runcs_message(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.record(argv=["nosuchthing"])
    with pytest.raises(System, match=r'exec: "nosuchthing": executable file not found in \$PATH'):
        await client.tasks.create(box, rootfs=workload.mounts)
    with pytest.raises(NotFound):
        await client.tasks.get(box)


@pytest.mark.parametrize("first", [("sleep", "60"), ("true",)])
async def test_force_delete(client: Containerd, workload: Workload, first: tuple[str, ...]) -> None:
    for box in (await workload.running(*first), await workload.created(*first)):
        await client.tasks.force_delete(box)
        with pytest.raises(NotFound):
            await client.tasks.get(box)


async def test_force_delete_of_what_has_ended_keeps_its_status(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.ended("sh", "-c", "exit 4")
    assert (await client.tasks.force_delete(box)).status == 4
    with pytest.raises(NotFound):
        await client.tasks.force_delete(box)


async def test_force_delete_kills_every_process_of_the_container(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.running("sh", "-c", "trap '' TERM; sleep 60 & sleep 60 & wait")
    await asyncio.sleep(0.2)
    pids = [process.pid for process in await client.tasks.list_pids(box)]
    assert len(pids) == 3
    await client.tasks.force_delete(box)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_pause_and_resume(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    await client.tasks.pause(box)
    assert (await client.tasks.get(box)).status is Status.PAUSED
    with pytest.raises(FailedPrecondition, match="cannot pause a paused container"):
        await client.tasks.pause(box)
    with pytest.raises(FailedPrecondition, match="cannot exec in a paused state"):
        await client.tasks.exec(box, "x", json.dumps(process(["/bin/busybox", "true"])).encode())
    await client.tasks.resume(box)
    assert (await client.tasks.get(box)).status is Status.RUNNING
    with pytest.raises(FailedPrecondition, match="cannot resume a running process"):
        await client.tasks.resume(box)


async def test_exec(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    spec = json.dumps(process(["/bin/busybox", "sh", "-c", "sleep 0.3; exit 5"])).encode()
    await client.tasks.exec(box, "extra", spec)
    with pytest.raises(AlreadyExists):
        await client.tasks.exec(box, "extra", spec)
    pid = await client.tasks.start(box, "extra")
    added = await client.tasks.get(box, "extra")
    assert (added.container_id, added.exec_id, added.pid) == (box, "extra", pid)
    assert "extra" in [info.exec_id for info in await client.tasks.list_pids(box)]
    with pytest.raises(FailedPrecondition):
        await client.tasks.delete_process(box, "extra")
    assert (await client.tasks.wait(box, "extra")).status == 5
    assert (await client.tasks.delete_process(box, "extra")).status == 5
    with pytest.raises(NotFound):
        await client.tasks.get(box, "extra")


async def test_exec_in_what_has_ended(client: Containerd, workload: Workload) -> None:
    box = await workload.ended("true")
    with pytest.raises(FailedPrecondition):
        await client.tasks.exec(box, "late", json.dumps(process(["/bin/busybox", "true"])).encode())


async def test_standard_streams_and_the_end_of_stdin(
    client: Containerd, workload: Workload, pipes: Fifos
) -> None:
    box = await workload.running("sh", "-c", "busybox cat; echo done >&2", **pipes.paths)
    pipes.write(b"through the pipes\n")
    pipes.close_stdin()
    await client.tasks.close_io(box)
    assert (await client.tasks.wait(box)).status == 0
    assert await pipes.read_to_end("stdout") == b"through the pipes\n"
    assert await pipes.read_to_end("stderr") == b"done\n"


async def test_a_terminal_and_its_size(client: Containerd, workload: Workload, tty: Fifos) -> None:
    command = ("sh", "-c", "read line; busybox stty size")
    box = await workload.running(*command, terminal=True, **tty.paths)
    await client.tasks.resize_pty(box, width=101, height=43)
    tty.write(b"go\n")
    assert (await client.tasks.wait(box)).status == 0
    assert b"43 101" in await tty.read_to_end("stdout")


async def test_a_stream_that_is_no_fifo_and_not_there(
    client: Containerd, workload: Workload, tmp_path: Path
) -> None:
    with pytest.raises(System, match="no such file or directory"):
        await workload.created("true", stdout=str(tmp_path / "no"), stderr=str(tmp_path / "no"))


async def test_stats_are_of_the_task_asked_for(client: Containerd, workload: Workload) -> None:
    await workload.running("sleep", "60")
    box = await workload.running("sh", "-c", "sleep 60 & sleep 60 & wait")
    while (stats := await client.tasks.stats(box)).pids_stats.current < 3:
        await asyncio.sleep(0.05)
    assert stats.memory_stats.usage > 0
    assert stats.cpu_stats.cpu_usage.total_usage > 0
    with pytest.raises(NotFound):
        await client.tasks.stats("none")


async def test_update_changes_the_limits(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    await client.tasks.update(box, json.dumps({"pids": {"limit": 17}}).encode())
    limits = [Path(root, box, "pids.max") for root in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")]
    assert [path.read_text() for path in limits if path.exists()] == ["17\n"]


async def test_runc_options_of_a_task(client: Containerd, workload: Workload) -> None:
    box = await workload.record("true")
    options = RuncOptions(binary_name="/nonexistent/runc")
    with pytest.raises(System, match="/nonexistent/runc"):
        await client.tasks.create(box, rootfs=workload.mounts, options=options)


@pytest.mark.parametrize("exec_id", ["", "x"])
async def test_methods_say_what_is_not_there(client: Containerd, exec_id: str) -> None:
    tasks = client.tasks
    for call in (
        tasks.get("none", exec_id),
        tasks.start("none", exec_id),
        tasks.wait("none", exec_id),
        tasks.kill("none", 9, exec_id=exec_id),
        tasks.resize_pty("none", 1, 1, exec_id),
        tasks.close_io("none", exec_id),
        tasks.delete("none"),
        tasks.force_delete("none"),
        tasks.pause("none"),
        tasks.resume("none"),
        tasks.list_pids("none"),
    ):
        with pytest.raises(NotFound, match=r'"none" in namespace "test-.*": not found'):
            await call
