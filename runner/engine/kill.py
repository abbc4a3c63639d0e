"""Sending signals to containers (moby daemon/kill.go)."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from runner import trace
from runner.engine.exit_status import EXIT_UNKNOWN, ExitStatus
from runner.engine.signals import parse_signal, stop_signal
from runner.engine.wait import stopped_within
from runner.types import times
from runner.types.errors import NotFound, RunnerError, System

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_EXIT_EVENT_WAIT = 10.0
_DIRECT_KILL_WAIT = 2.0


async def container_kill(engine: Engine, reference: str, name: str) -> None:
    """Send a signal; SIGKILL, the default, waits for the end (moby ContainerKill).

    Raises NotFound, InvalidParameter for the signal, Conflict when the container does not run.
    """
    number = parse_signal(name) if name else int(signal.SIGKILL)
    container = engine.containers.get(reference)
    if number == signal.SIGKILL:
        await kill(engine, container)
    else:
        await kill_with_signal(engine, container, number)


async def kill_with_signal(engine: Engine, container: Container, number: int) -> None:
    """Send the signal (moby killWithSignal).

    Whatever the signal, the container counts as stopped by hand, unless the engine itself is
    closing; a signal that stops it also ends its restart policy for this run. Raises Conflict when
    the container does not run.
    """
    async with container.lock:
        state = container.state
        container.check_running()
        if _is_meant_to_stop(container, number):
            container.get_restart_manager().cancel()
        if not engine.closing:
            container.record.has_been_manually_stopped = True
            engine.containers.checkpoint_or_log(container)
        if state.restarting:
            return
        await _send(engine, container, number)
        engine.events.log_container(container, "kill", {"signal": str(number)})


def _is_meant_to_stop(container: Container, number: int) -> bool:
    configured = container.config.stop_signal
    return not configured or number in (signal.SIGKILL, stop_signal(configured))


async def _send(engine: Engine, container: Container, number: int) -> None:
    state = container.state
    try:
        with trace.step("daemon.killWithSignal", container=container.id, signal=int(number)):
            await engine.containerd.tasks.kill(container.id, number)
        if state.paused and _is_meant_to_stop(container, number):
            await _resume(engine, container)
    except NotFound:
        # containerd no longer has the process: the exit is on its way, or nobody saw it
        engine.background(_expect_exit(container), f"expect exit of {container.id}")
    except RunnerError as err:
        raise System(f"Cannot kill container {container.id}: {err}") from err


async def _resume(engine: Engine, container: Container) -> None:
    """A paused process gets its signal when it goes on; SIGKILL may have ended it already."""
    try:
        await engine.containerd.tasks.resume(container.id)
    except RunnerError as err:
        log.warning("cannot unpause container: %s", err, extra={"container": container.id})


async def _expect_exit(container: Container) -> None:
    """Wait for the exit as long as a stop would, then make one up (moby handleContainerExit)."""
    timeout = container.config.stop_timeout
    seconds = None if timeout is not None and timeout < 0 else float(timeout or 10)
    if not await stopped_within(container, seconds):
        container.tell_exit(ExitStatus(EXIT_UNKNOWN, times.now()))


async def kill(engine: Engine, container: Container) -> None:
    """SIGKILL, and wait for the end (moby Kill).

    Raises Conflict when the container does not run, System when it will not die.
    """
    container.check_running()
    await kill_with_signal(engine, container, signal.SIGKILL)
    if await stopped_within(container, _EXIT_EVENT_WAIT):
        return
    log.warning(
        "Container failed to exit within 10s of kill - trying direct SIGKILL",
        extra={"container": container.id},
    )
    _kill_process_directly(container)
    if not await stopped_within(container, _DIRECT_KILL_WAIT):
        raise System("tried to kill container, but did not receive an exit event")


def _kill_process_directly(container: Container) -> None:
    """SIGKILL from the host, past containerd (moby killProcessDirectly)."""
    pid = container.state.pid
    if pid <= 1:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        if _is_zombie(pid):
            raise System(
                f"container {container.id} PID {pid} is zombie and can not be killed."
                " Use the --init option when creating containers to run an init inside the"
                " container that forwards signals and reaps processes"
            )


def _is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
