"""Making the store and containerd agree again after the engine was away (moby daemon.restore).

For each container the record says what was true when the engine last committed, containerd says
what is true now:

    record    task       what is done
    running   runs       streams, log, execs and exit are taken up again; it is shut down where
                         live-restore is off
    running   stopped    the exit is recorded with its code, the run is given back
    running   none       the same with code 255: nobody saw how it ended
    other     any        a start was cut off: the run is given back
    none      -          a create was cut off: what it made is removed (`orphans`)

Then containers whose restart policy says so are started, auto-remove ones that ended are removed,
and what removed containers have left is swept up.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.tasks import Status as TaskStatus
from runner.engine import (
    exec_run,
    health,
    mounts,
    networking,
    orphans,
    process_io,
    remove,
    start,
)
from runner.engine.exit_status import EXIT_UNKNOWN, ExitStatus
from runner.engine.runtime_state import has_shim
from runner.engine.shutdown import shut_down_container
from runner.types import times
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from runner.containerd.tasks import Process
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What a restore found and did, by container ID."""

    taken_up: list[str] = field(default_factory=list)
    shut_down: list[str] = field(default_factory=list)
    ended_meanwhile: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [
            f"{len(ids)} {what}"
            for what, ids in (
                ("still running", self.taken_up),
                ("shut down", self.shut_down),
                ("ended meanwhile", self.ended_meanwhile),
                ("half-made undone", self.undone),
                ("restarted by policy", self.restarted),
                ("auto-removed", self.removed),
                ("half-removed finished", self.swept),
            )
            if ids
        ]
        return ", ".join(parts) or "nothing to restore"


async def restore(engine: Engine) -> Report:
    """Bring every container of the store into a state that dockerd could be in."""
    with trace.step("daemon.restore") as step:
        report = await _restore(engine)
        if step is not None:
            step.note(report=str(report))
    return report


async def _restore(engine: Engine) -> Report:
    report = Report()
    containers = engine.containers.load()
    tasks = {task.container_id: task for task in await engine.containerd.tasks.list()}
    made = {container.id for container in await engine.containerd.containers.list()}
    leftovers = engine.leftovers.load()
    running = [item for item in containers if item.state.running and _is_alive(tasks.get(item.id))]
    await networking.restore(engine, [item.record.network for item in running])
    known = {item.id for item in containers} | {leftover.id for leftover in leftovers}
    known |= engine.containers.unreadable
    engine.keeper.forget_all_but(known)
    report.undone += await orphans.collect(engine, known)
    for leftover in leftovers:
        engine.leftovers.sweep_soon(leftover)
        report.swept.append(leftover.id)
    async with asyncio.TaskGroup() as group:
        for container in containers:
            task = tasks.get(container.id)
            in_containerd = task is not None or container.id in made
            group.create_task(
                _restore_one(engine, container, task, report, in_containerd=in_containerd)
            )
    await networking.collect_garbage(engine)
    await _restart_and_remove(engine, report)
    return report


async def _restore_one(
    engine: Engine,
    container: Container,
    task: Process | None,
    report: Report,
    *,
    in_containerd: bool,
) -> None:
    try:
        with (
            trace.about(container.id),
            trace.step("daemon.restoreContainer", container=container.id),
        ):
            await _bring_up_to_date(engine, container, task, report, in_containerd=in_containerd)
    except RunnerError as err:
        log.error("failed to restore the container: %s", err, extra={"container": container.id})
    except Exception:  # whatever is wrong with one must not keep the engine from all the others
        log.exception("failed to restore the container", extra={"container": container.id})


async def _bring_up_to_date(
    engine: Engine,
    container: Container,
    task: Process | None,
    report: Report,
    *,
    in_containerd: bool,
) -> None:
    state = container.state
    await mounts.restore(engine, container, running=state.running)
    if state.running and not state.restarting and task is not None and _is_alive(task):
        await _take_up(engine, container, task)
        if engine.config.live_restore:
            report.taken_up.append(container.id)
        else:
            await shut_down_container(engine, container)
            container.restart_manager = None  # the stop has ended it; the policy has a say yet
            report.shut_down.append(container.id)
    elif state.running:
        await _record_exit(engine, container, task)
        report.ended_meanwhile.append(container.id)
    else:
        await _undo_start(engine, container, report, in_containerd=in_containerd)


async def _undo_start(
    engine: Engine, container: Container, report: Report, *, in_containerd: bool
) -> None:
    """Give back what a start that was cut off has made, if there was one."""
    if container.record.network_settings.sandbox_id:
        networking.adopt(engine, container)
        networking.forget(container)
        engine.containers.checkpoint_or_log(container)
    if in_containerd or _has_traces(engine, container):
        await start.cleanup_now_or_later(engine, container)
        report.undone.append(container.id)


def _is_alive(task: Process | None) -> bool:
    return task is not None and task.status in (
        TaskStatus.RUNNING,
        TaskStatus.PAUSED,
        TaskStatus.PAUSING,
    )


def _has_traces(engine: Engine, container: Container) -> bool:
    """Whether something of a run is left although containerd knows nothing of it."""
    return (
        container.runtime_dir.exists()
        or (engine.config.rootfs_dir / container.id).exists()
        or mounts.shm_path(engine, container.id).exists()
        or has_shim(engine, container.id)
    )


async def _take_up(engine: Engine, container: Container, task: Process) -> None:
    """The container runs: be there for its output and its exit again."""
    container.state.paused = task.status is not TaskStatus.RUNNING
    container.state.pid = task.pid
    # first, so that the exit is not lost should its streams make trouble
    await engine.monitor.watch(container)
    await process_io.resume(engine, container)
    process_io.open_stdin(container)
    await exec_run.take_up(engine, container)
    if not container.state.paused:
        health.init_health_monitor(engine, container)
    engine.containers.checkpoint_or_log(container)
    log.info("restored running container", extra={"container": container.id})


async def _record_exit(engine: Engine, container: Container, task: Process | None) -> None:
    """The container ended while nobody looked (moby SetStopped in restore)."""
    if container.state.restarting:
        exit_status = ExitStatus(container.state.exit_code, container.state.finished_at)
    elif task is not None and task.status is TaskStatus.STOPPED:
        exit_status = ExitStatus(task.exit_status, times.from_datetime(task.exited_at))
        await process_io.rescue(engine, container)
    else:
        exit_status = ExitStatus(EXIT_UNKNOWN, times.now())
    container.state.set_stopped(exit_status)
    networking.adopt(engine, container)
    networking.forget(container)
    # before the task is deleted: nobody else knows how it ended
    engine.containers.checkpoint_or_log(container)
    await start.cleanup_now_or_later(engine, container)


async def _restart_and_remove(engine: Engine, report: Report) -> None:
    """Start what the policies want, remove what is to be removed at its end.

    Clients are served only after that, as by dockerd: whoever asks finds the containers running.
    """
    tasks = []
    for container in engine.containers:
        record = container.record
        if record.state.running:
            continue
        if _should_restart(container) and record.has_been_started_before:
            again = _start_again(engine, container)
            tasks.append(engine.background(again, f"restart {container.id}"))
            report.restarted.append(container.id)
        elif record.host_config.auto_remove:
            removal = remove.auto_remove(engine, container)
            tasks.append(engine.background(removal, f"remove {container.id}"))
            report.removed.append(container.id)
    if tasks:
        await asyncio.wait(tasks)


def _should_restart(container: Container) -> bool:
    """Whether the policy brings the container back at the engine's start (moby ShouldRestart)."""
    return (
        container.get_restart_manager().should_restart(
            container.state.exit_code,
            manually_stopped=container.record.has_been_manually_stopped,
            ran_for=0,
        )
        is not None
    )


async def _start_again(engine: Engine, container: Container) -> None:
    try:
        await start.container_start(engine, container)
    except RunnerError as err:
        log.error("failed to start container: %s", err, extra={"container": container.id})
