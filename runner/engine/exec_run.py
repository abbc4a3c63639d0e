"""The process of an exec, from Tasks.Exec to its end.

    start            FIFOs, Tasks.Exec, Tasks.Start
    handle_exit      its code is told, its output ended, its process deleted
    take_up          the same process after a restart of the engine

Source: moby daemon/exec.go ContainerExecStart, daemon/monitor.go, libcontainerd task.Exec.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.tasks import Status as TaskStatus
from runner.containerd.tasks import until_sent
from runner.engine import rootfs
from runner.engine.execs import Exec, check_active, saved
from runner.engine.exit_status import ExitStatus, set_exit_code_from_error
from runner.engine.exit_watch import exit_of
from runner.oci.exec import ExecRequest, exec_process
from runner.oci.user import get_user
from runner.types import times
from runner.types.errors import AlreadyExists, Conflict, NotFound, RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.oci.spec import User

log = logging.getLogger(__name__)

_DRAIN_TIMEOUT = 2.0
_DELETE_TIMEOUT = 45.0
_ASKING = 0.02
"""Seconds in which whoever has seen the output's end asks how the process has ended."""
_NOT_STARTED = 126
"""The exit code of an exec that could not be started for no better reason (moby exitEaccess)."""


async def start(engine: Engine, exec_: Exec, console_size: tuple[int, int] | None = None) -> None:
    """Start the process. On failure its exit code says why, and nothing of it is left.

    Cancelled is this when the engine ends only: then the next one finds the record, and takes the
    process up as it is. Raises InvalidParameter, Conflict, NotFound or System.
    """
    record = exec_.record
    with trace.step("daemon.ContainerExecStart", container=exec_.container.id, exec=exec_.id):
        try:
            await _start(engine, exec_, console_size or record.console_size)
        except Exception:
            exec_.container.execs.pop(exec_.id, None)
            record.running = False
            if record.exit_code is None:
                record.exit_code = _NOT_STARTED
            await exec_.streams.end()
            exec_.discard_files()
            exec_.ended.set()
            raise
        finally:
            exec_.started.set()


async def _start(engine: Engine, exec_: Exec, console_size: tuple[int, int] | None) -> None:
    process = await _process(engine, exec_, console_size)
    async with exec_.container.exec_starts.one():
        await _start_in_running(engine, exec_, process)


async def _start_in_running(engine: Engine, exec_: Exec, process: bytes) -> None:
    # its end may have come meanwhile, after which nothing is to be made in its directory
    check_active(exec_.container, exec_.container.id)
    fifos = exec_.fifos
    fifos.make()
    exec_.save()
    exec_.streams.open_outputs(fifos, None)
    try:
        await _add_process(engine, exec_, process)
        exec_.record.pid = await _start_process(engine, exec_)
    except RunnerError as err:
        exec_.record.exit_code, error = set_exit_code_from_error(err)
        raise error from err
    if fifos.stdin:
        exec_.streams.stdin.open(fifos.stdin)


async def _process(engine: Engine, exec_: Exec, console_size: tuple[int, int] | None) -> bytes:
    record, container = exec_.record, exec_.container
    request = ExecRequest(
        args=(record.entrypoint, *record.args),
        env=record.env,
        working_dir=record.working_dir,
        user=lookup_user(engine, container, record.user) if record.user else None,
        tty=record.tty,
        console_size=console_size,
        privileged=record.privileged,
    )
    return exec_process(await _spec(engine, container), request, engine.host)


async def _spec(engine: Engine, container: Container) -> bytes:
    """The specification of this run; containerd is asked for it once (moby: at every exec)."""
    if container.spec is None:
        container.spec = (await engine.containerd.containers.get(container.id)).spec
    return container.spec


def lookup_user(engine: Engine, container: Container, user: str) -> User:
    """Who that is in the container now. Raises InvalidParameter."""
    groups = container.host_config.group_add or ()
    return get_user(rootfs.path(engine, container.id), user, groups)


async def _add_process(engine: Engine, exec_: Exec, process: bytes) -> None:
    fifos = exec_.fifos
    try:
        await engine.containerd.tasks.exec(
            exec_.container.id,
            exec_.id,
            process,
            stdin=fifos.stdin,
            stdout=fifos.stdout,
            stderr=fifos.stderr,
            terminal=exec_.record.tty,
        )
    except AlreadyExists as err:
        raise Conflict("id already in use") from err


async def _start_process(engine: Engine, exec_: Exec) -> int:
    await _watch(engine, exec_)
    try:
        return await engine.containerd.tasks.start(exec_.container.id, exec_.id)
    except Exception:
        assert exec_.watcher is not None
        exec_.watcher.cancel()
        await _delete_process(engine, exec_)
        raise


async def _watch(engine: Engine, exec_: Exec) -> None:
    """Be told of the exit; asked before the start, so that it is not missed."""
    asked = asyncio.Event()
    watching = _wait_for_exit(engine, exec_, asked)
    exec_.watcher = engine.background(watching, f"watch exec {exec_.id}")
    await until_sent(exec_.watcher, asked)


async def _wait_for_exit(engine: Engine, exec_: Exec, asked: asyncio.Event) -> None:
    exit_status = await exit_of(
        engine, exec_.container.id, exec_.exit_event, exec_.id, asked=asked.set
    )
    await exec_.started.wait()
    await _handle_exit(engine, exec_, exit_status)


async def _handle_exit(engine: Engine, exec_: Exec, exit_status: ExitStatus) -> None:
    """Tell the exit (moby ProcessEvent, of an exec). The code is there before the output's end."""
    record = exec_.record
    exec_.container.execs.pop(exec_.id, None)
    record.exit_code, record.running = exit_status.exit_code, False
    await exec_.streams.drained(_DRAIN_TIMEOUT)
    await exec_.streams.end()
    log_event(engine, exec_, "exec_die", exitCode=str(exit_status.exit_code))
    exec_.ended.set()
    engine.background(_forget(engine, exec_), f"forget exec {exec_.id}")


async def _forget(engine: Engine, exec_: Exec) -> None:
    """Let nothing of it remain but its exit code, for which its client is asking just now: it is
    answered first.

    The record goes before the process. An engine that finds a record alone takes it for one whose
    process was never made, and would tell another code than this one has told.
    """
    await asyncio.sleep(_ASKING)
    exec_.discard_files()
    await _delete_process(engine, exec_)


async def _delete_process(engine: Engine, exec_: Exec) -> None:
    """Let the shim forget the process; it goes with its task in any case."""
    deleting = engine.containerd.tasks.delete_process(exec_.container.id, exec_.id)
    try:
        await asyncio.wait_for(deleting, _DELETE_TIMEOUT)
    except NotFound:
        pass
    except (RunnerError, TimeoutError) as err:
        about = {"container": exec_.container.id}
        log.warning("the shim keeps exec %s until the task ends: %s", exec_.id, err, extra=about)


async def close_stdin(engine: Engine, exec_: Exec) -> None:
    """End the input of the process; the shim holds a write end of the FIFO itself."""
    exec_.streams.stdin.close()
    with suppress(NotFound):
        await engine.containerd.tasks.close_io(exec_.container.id, exec_.id)


async def kill(engine: Engine, exec_: Exec, signal: int) -> None:
    """Send the process a signal, once it has been started; one that has ended gets none."""
    await exec_.started.wait()
    with suppress(NotFound):
        await engine.containerd.tasks.kill(exec_.container.id, signal, exec_id=exec_.id)


def log_event(engine: Engine, exec_: Exec, action: str, **attributes: str) -> None:
    """An event of the container about the exec."""
    engine.events.log_container(exec_.container, action, {"execID": exec_.id, **attributes})


async def settle(container: Container, seconds: float) -> None:
    """Wait a little for the execs of a container that has ended: the kernel has killed them, and
    their ends are told before the container's."""
    watchers = {exec_.watcher for exec_ in container.execs.values() if exec_.watcher}
    if watchers:
        await asyncio.wait(watchers, timeout=seconds)


async def take_up(engine: Engine, container: Container) -> None:
    """Be with the execs of a running container again."""
    for record in saved(container):
        exec_ = Exec(container, record)
        engine.execs.add(exec_)
        if record.running:
            try:
                await _take_up(engine, exec_)
            except RunnerError as err:
                about = {"container": container.id}
                log.warning(
                    "how exec %s is will be seen at its exit: %s", exec_.id, err, extra=about
                )
                await _watch(engine, exec_)


async def _take_up(engine: Engine, exec_: Exec) -> None:
    """Readers first: a start that was under way may hold the process in the shim until they are
    there, and then the shim does not even tell how it is."""
    exec_.started.set()
    exec_.fifos.make()
    exec_.streams.open_outputs(exec_.fifos, None)
    try:
        process = await engine.containerd.tasks.get(exec_.container.id, exec_.id)
    except NotFound:  # the engine ended between its record and its process
        await _handle_exit(engine, exec_, ExitStatus(_NOT_STARTED, times.now()))
        return
    exec_.record.pid = process.pid
    if process.status is TaskStatus.CREATED:
        # its start was cut off, and a shim that is asked for it once more dies of that
        await _handle_exit(engine, exec_, ExitStatus(_NOT_STARTED, times.now()))
        return
    if exec_.fifos.stdin:
        exec_.streams.stdin.open(exec_.fifos.stdin)
    await _watch(engine, exec_)
