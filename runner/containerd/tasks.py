"""containerd.services.tasks.v1: tasks, the running side of containers, and their processes."""

from __future__ import annotations

import asyncio
import json
import signal as signals
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runner.containerd._connection import Service
from runner.containerd._convert import (
    LINUX_RESOURCES,
    PROCESS,
    any_to,
    descriptor_to,
    mount_to,
    time_from,
)
from runner.containerd._pb.services.tasks.v1 import tasks_pb2 as pb
from runner.containerd._pb.services.tasks.v1.tasks_pb2_grpc import TasksStub
from runner.containerd._pb.types.runc.options import oci_pb2
from runner.containerd._pb.types.task import task_pb2
from runner.containerd.metrics import stats_from
from runner.containerd.values import Encoded
from runner.types.errors import FailedPrecondition, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from runner.containerd._connection import Connection
    from runner.containerd.runc import RuncOptions
    from runner.containerd.values import Mount
    from runner.types.image import Descriptor
    from runner.types.stats import StatsResponse


class Status(StrEnum):
    """A process's state as its shim tells it."""

    UNKNOWN = "unknown"
    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    PAUSING = "pausing"


@dataclass(frozen=True, slots=True)
class Process:
    """A task's first process, or one that exec added; then `exec_id` is not empty."""

    container_id: str
    exec_id: str
    pid: int
    status: Status
    stdin: str
    stdout: str
    stderr: str
    terminal: bool
    exit_status: int
    exited_at: datetime


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `status` is 128 and the signal's number for one that was killed."""

    status: int
    exited_at: datetime
    pid: int = 0


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process in a container's cgroup; `exec_id` where exec started it."""

    pid: int
    exec_id: str = ""


class Tasks:
    """The tasks of the client's namespace. Every method raises NotFound without task or process.

    `exec_id` chooses a process that exec added; without it the task's first process is meant.
    """

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, TasksStub)

    async def create(
        self,
        container_id: str,
        *,
        rootfs: Sequence[Mount] = (),
        stdin: str = "",
        stdout: str = "",
        stderr: str = "",
        terminal: bool = False,
        options: RuncOptions | None = None,
        checkpoint: Descriptor | None = None,
    ) -> int:
        """Start the shim and have runc create the container; returns its PID.

        The standard streams are paths of FIFOs, which must exist and have their readers: opening
        one without blocks the shim. Without a terminal, both outputs are given or nothing at all.
        A missing executable fails here, not in `start`.

        Raises:
            AlreadyExists: the container has a task.
            System: the shim or runc failed; the message is runc's.
        """
        request = pb.CreateTaskRequest(
            container_id=container_id,
            rootfs=[mount_to(mount) for mount in rootfs],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=terminal,
            checkpoint=descriptor_to(checkpoint) if checkpoint else None,
            options=options.encode() if options else None,
        )
        reply: pb.CreateTaskResponse = await self._service.unary("Create", request)
        return reply.pid

    async def exec(
        self,
        container_id: str,
        exec_id: str,
        spec: bytes,
        *,
        stdin: str = "",
        stdout: str = "",
        stderr: str = "",
        terminal: bool = False,
    ) -> None:
        """Add a process to a task, to be started by `start`; `spec` is an OCI Process in JSON.

        Raises:
            AlreadyExists: the task has a process of this ID.
            FailedPrecondition: the task is paused or stopped.
        """
        request = pb.ExecProcessRequest(
            container_id=container_id,
            exec_id=exec_id,
            spec=any_to(Encoded(PROCESS, spec)),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=terminal,
        )
        await self._service.unary("Exec", request)

    async def start(self, container_id: str, exec_id: str = "") -> int:
        """Let a created process run; returns its PID. Raises FailedPrecondition when it has."""
        request = pb.StartRequest(container_id=container_id, exec_id=exec_id)
        reply: pb.StartResponse = await self._service.unary("Start", request)
        return reply.pid

    async def wait(
        self, container_id: str, exec_id: str = "", *, sent: Callable[[], None] = lambda: None
    ) -> Exit:
        """Wait for the process to end, for ever if need be; at once when it already has.

        `sent` is called once the request is under way: a call made after that follows it.

        Raises:
            Unavailable: containerd went away meanwhile. The process lives on: ask again.
        """
        request = pb.WaitRequest(container_id=container_id, exec_id=exec_id)
        reply: pb.WaitResponse = await self._service.unary("Wait", request, sent=sent)
        return Exit(reply.exit_status, time_from(reply.exited_at))

    async def kill(
        self,
        container_id: str,
        signal: int,
        *,
        all: bool = False,  # noqa: A002
        exec_id: str = "",
    ) -> None:
        """Send a signal to the process, or with `all` to every process of the container.

        Raises NotFound also when the process has ended.
        """
        request = pb.KillRequest(container_id=container_id, exec_id=exec_id, signal=signal, all=all)
        await self._service.unary("Kill", request)

    async def delete(self, container_id: str) -> Exit:
        """Delete a stopped task, with its shim. Raises FailedPrecondition while it runs."""
        request = pb.DeleteTaskRequest(container_id=container_id)
        reply: pb.DeleteResponse = await self._service.unary("Delete", request)
        return _exit_from(reply)

    async def delete_process(self, container_id: str, exec_id: str) -> Exit:
        """Delete a stopped process of exec's. Raises FailedPrecondition while it runs."""
        request = pb.DeleteProcessRequest(container_id=container_id, exec_id=exec_id)
        reply: pb.DeleteResponse = await self._service.unary("DeleteProcess", request)
        return _exit_from(reply)

    async def force_delete(self, container_id: str) -> Exit:
        """Kill every process of the task, wait for its end and delete it.

        containerd's client: Task.Delete with WithProcessKill. Waits as long as the kernel takes.
        """
        process = await self.get(container_id)
        if process.pid:
            await self._kill_and_wait(container_id)
        return await self.delete(container_id)

    async def _kill_and_wait(self, container_id: str) -> None:
        sent = asyncio.Event()
        waiting = asyncio.create_task(self.wait(container_id, sent=sent.set))
        try:
            await until_sent(waiting, sent)
            await self.kill(container_id, signals.SIGKILL, all=True)
            await asyncio.wait([waiting])
        except NotFound:
            # Ended, or ending: kill may say so although it was what killed the process.
            await asyncio.wait([waiting])
        except FailedPrecondition:
            pass
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def get(self, container_id: str, exec_id: str = "") -> Process:
        """The process as its shim sees it now."""
        request = pb.GetRequest(container_id=container_id, exec_id=exec_id)
        reply: pb.GetResponse = await self._service.unary("Get", request)
        return process_from(reply.process, container_id)

    async def list_pids(self, container_id: str) -> list[ProcessInfo]:
        """All processes in the container, by their PIDs on the host."""
        request = pb.ListPidsRequest(container_id=container_id)
        reply: pb.ListPidsResponse = await self._service.unary("ListPids", request)
        return [_process_info_from(process) for process in reply.processes]

    async def resize_pty(
        self, container_id: str, width: int, height: int, exec_id: str = ""
    ) -> None:
        """Set the terminal's size, in columns and rows."""
        request = pb.ResizePtyRequest(
            container_id=container_id, exec_id=exec_id, width=width, height=height
        )
        await self._service.unary("ResizePty", request)

    async def close_io(self, container_id: str, exec_id: str = "") -> None:
        """Close the shim's own end of the stdin FIFO, so that the process sees its end."""
        request = pb.CloseIORequest(container_id=container_id, exec_id=exec_id, stdin=True)
        await self._service.unary("CloseIO", request)

    async def pause(self, container_id: str) -> None:
        """Freeze the container's cgroup. Raises FailedPrecondition unless it runs."""
        await self._service.unary("Pause", pb.PauseTaskRequest(container_id=container_id))

    async def resume(self, container_id: str) -> None:
        """Thaw it. Raises FailedPrecondition unless it is paused."""
        await self._service.unary("Resume", pb.ResumeTaskRequest(container_id=container_id))

    async def stats(self, container_id: str) -> StatsResponse:
        """What the container's cgroup has counted; see `metrics`."""
        request = pb.MetricsRequest(filters=[f"id=={json.dumps(container_id)}"])
        reply: pb.MetricsResponse = await self._service.unary("Metrics", request)
        if not reply.metrics:
            raise NotFound(f"no metrics for task {container_id}: not found")
        return stats_from(reply.metrics[0])

    async def update(self, container_id: str, resources: bytes) -> None:
        """Change the cgroup's limits; `resources` is an OCI LinuxResources in JSON."""
        request = pb.UpdateTaskRequest(
            container_id=container_id, resources=any_to(Encoded(LINUX_RESOURCES, resources))
        )
        await self._service.unary("Update", request)

    async def list(self) -> list[Process]:
        """The first process of every task."""
        reply: pb.ListTasksResponse = await self._service.unary("List", pb.ListTasksRequest())
        return [process_from(process, process.id) for process in reply.tasks]


async def until_sent(waiting: asyncio.Task[Any], sent: asyncio.Event) -> None:
    """Return when the request of a Tasks.wait is under way, which sets `sent`.

    `waiting` is the task that waits, or that is to come to it; where it ends before it does, there
    is nothing more to wait for here. A Tasks.kill or Tasks.start that is made then follows it.
    """
    waiting.add_done_callback(lambda _: sent.set())
    await sent.wait()


def process_from(message: task_pb2.Process, container_id: str) -> Process:
    """From containerd.v1.types.Process, in which containerd leaves `container_id` empty."""
    return Process(
        container_id=container_id,
        exec_id="" if message.id == container_id else message.id,
        pid=message.pid,
        status=status_from(message.status),
        stdin=message.stdin,
        stdout=message.stdout,
        stderr=message.stderr,
        terminal=message.terminal,
        exit_status=message.exit_status,
        exited_at=time_from(message.exited_at),
    )


def status_from(status: task_pb2.Status) -> Status:
    """From containerd.v1.types.Status. A number of a newer containerd is UNKNOWN."""
    if status not in task_pb2.Status.values():
        return Status.UNKNOWN
    return Status[task_pb2.Status.Name(status)]


def _exit_from(message: pb.DeleteResponse) -> Exit:
    return Exit(message.exit_status, time_from(message.exited_at), message.pid)


def _process_info_from(message: task_pb2.ProcessInfo) -> ProcessInfo:
    if not message.HasField("info"):
        return ProcessInfo(message.pid)
    return ProcessInfo(message.pid, oci_pb2.ProcessDetails.FromString(message.info.value).exec_id)
