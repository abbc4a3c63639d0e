"""Noticing that containers end, and what follows (moby daemon/monitor.go).

Two sources tell of an exit: the answer to a Tasks.Wait that is asked before Tasks.Start, and
containerd's /tasks/exit event. Whichever comes first is handled, the other is a duplicate. When
containerd goes away both end; once it serves again the task is asked for its state.

The exit is told to clients as soon as it is known and committed; what the run has taken is given
back after that (`Container.teardown`), and whatever starts or removes the container next waits
for it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from runner import trace
from runner.engine import cleanup, mounts, networking, remove, start
from runner.engine.exit_status import EXIT_UNKNOWN, ExitStatus
from runner.types import times
from runner.types.errors import NotFound, RunnerError, Unavailable

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_DRAIN_TIMEOUT = 2.0
_CONTAINERD_TIMEOUT = 300.0
_ASK_AGAIN = 0.2


class Monitor:
    """Watches the running containers on the engine's behalf."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def watch(self, container: Container) -> None:
        """Ask for the task's exit, and handle it when it comes."""
        container.exit_event = asyncio.get_running_loop().create_future()
        container.monitor = self._engine.background(
            self._watch(container), f"watch container {container.id}"
        )

    def unwatch(self, container: Container) -> None:
        """The start has failed after all: nobody is interested in the exit."""
        if container.monitor is not None:
            container.monitor.cancel()
            container.monitor = None

    async def _watch(self, container: Container) -> None:
        exit_status = await _exit_of(self._engine, container)
        await handle_container_exit(self._engine, container, exit_status)


async def _exit_of(engine: Engine, container: Container) -> ExitStatus:
    """The exit by Wait or by event, whichever is first; across containerd's restarts."""
    assert container.exit_event is not None
    while True:
        wait = asyncio.ensure_future(_wait_for_task(engine, container.id))
        try:
            await asyncio.wait({wait, container.exit_event}, return_when=asyncio.FIRST_COMPLETED)
            if container.exit_event.done():
                return container.exit_event.result()
            return await wait
        except Unavailable:
            log.warning(
                "lost containerd or the shim while waiting for the exit; asking again",
                extra={"container": container.id},
            )
            await _until_serving(engine)
            # of a shim that has died containerd tells by event, and until then nothing new
            await asyncio.wait({container.exit_event}, timeout=_ASK_AGAIN)
        finally:
            wait.cancel()


async def _wait_for_task(engine: Engine, container_id: str) -> ExitStatus:
    try:
        ended = await engine.containerd.tasks.wait(container_id)
    except NotFound:
        # the task is gone and nobody told us how it ended
        return ExitStatus(EXIT_UNKNOWN, times.now())
    return ExitStatus(ended.status, times.from_datetime(ended.exited_at))


async def _until_serving(engine: Engine) -> None:
    while True:
        try:
            await engine.containerd.wait_until_serving(_CONTAINERD_TIMEOUT)
        except Unavailable as err:
            log.error("containerd is still away: %s", err)
        else:
            return


async def handle_container_exit(
    engine: Engine, container: Container, exit_status: ExitStatus
) -> None:
    """Record the exit, tell it, and restart or remove as the policy says.

    Source: moby handleContainerExit. Teardown comes last here, not first.
    """
    record, state = container.record, container.record.state
    async with container.lock:
        if networking.ERR_SETUP_NETWORKING in state.error:
            return
        if not state.running or state.restarting:
            log.info("ignoring duplicate container exit event", extra={"container": container.id})
            return
        with trace.step("engine.handle_container_exit", container=container.id):
            await container.streams.drained(_DRAIN_TIMEOUT)
            await cleanup.attempt(container.reset(), "close the streams and the log")
            ran_for = (time.time_ns() - times.parse_ns(state.started_at)) / 1e9
            delay = _restart_delay(engine, container, exit_status, ran_for)
            if delay is not None:
                record.restart_count += 1
                log.info(
                    "restarting container",
                    extra={"container": container.id, "restartCount": record.restart_count},
                )
                state.set_restarting(exit_status)
            else:
                state.set_stopped(exit_status)
            networking.released(engine, container)
            _checkpoint(engine, container)
            mounts.log_unmounts(engine, container)
            _log_die(engine, container, exit_status, ran_for)
            container.teardown = engine.background(
                cleanup.cleanup(engine, container.id, exited=True), f"clean up {container.id}"
            )
            container.waiters.stopped()
    if delay is not None:
        container.restart = engine.background(
            _restart_after(engine, container, delay, exit_status), f"restart {container.id}"
        )
    elif container.host_config.auto_remove and not record.has_been_manually_restarted:
        await remove.auto_remove(engine, container)


def _checkpoint(engine: Engine, container: Container) -> None:
    """Commit the exit. Whoever waits is told of it even when that fails, as by moby."""
    try:
        engine.containers.checkpoint(container)
    except (RunnerError, sqlite3.Error):
        log.exception("the exit could not be saved", extra={"container": container.id})


def _restart_delay(
    engine: Engine, container: Container, exit_status: ExitStatus, ran_for: float
) -> float | None:
    return container.get_restart_manager().should_restart(
        exit_status.exit_code,
        manually_stopped=engine.closing or container.record.has_been_manually_stopped,
        ran_for=ran_for,
    )


def _log_die(engine: Engine, container: Container, exit_status: ExitStatus, ran_for: float) -> None:
    attributes = {"exitCode": str(exit_status.exit_code), "execDuration": str(int(ran_for))}
    engine.events.log_container(container, "die", attributes)


async def _restart_after(
    engine: Engine, container: Container, delay: float, exit_status: ExitStatus
) -> None:
    """The restart policy's start, after its back-off; a failure leaves the container stopped."""
    if await container.get_restart_manager().back_off(delay):
        try:
            await start.container_start(engine, container, reset_restart_manager=False)
        except RunnerError as err:
            log.error("restart failed: %s", err, extra={"container": container.id})
        else:
            return
    async with container.lock:
        container.state.set_stopped(exit_status)
        engine.containers.checkpoint(container)
        container.waiters.stopped()
    if container.host_config.auto_remove:
        await remove.auto_remove(engine, container)
