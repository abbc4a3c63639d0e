"""Noticing that containers end, and what follows (moby daemon/monitor.go).

The exit is told to clients as soon as it is known and committed; what the run has taken is given
back after that (`Container.teardown`), and whatever starts or removes the container next waits
for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.tasks import until_sent
from runner.engine import cleanup, exec_run, health, mounts, networking, remove, start
from runner.engine.attempt import attempt
from runner.engine.exit_watch import exit_of
from runner.types import times
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.exit_status import ExitStatus

log = logging.getLogger(__name__)

_DRAIN_TIMEOUT = 2.0


class Monitor:
    """Watches the running containers on the engine's behalf."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def watch(self, container: Container) -> None:
        """Ask for the task's exit, and handle it when it comes; returns when it is being asked."""
        asked = asyncio.Event()
        container.exit_event = asyncio.get_running_loop().create_future()
        container.monitor = self._engine.background(
            self._watch(container, asked), f"watch container {container.id}"
        )
        await until_sent(container.monitor, asked)

    def unwatch(self, container: Container) -> None:
        """The start has failed after all: nobody is interested in the exit."""
        if container.monitor is not None:
            container.monitor.cancel()
            container.monitor = None

    async def _watch(self, container: Container, asked: asyncio.Event) -> None:
        assert container.exit_event is not None
        event = container.exit_event
        exit_status = await exit_of(self._engine, container.id, event, asked=asked.set)
        await handle_container_exit(self._engine, container, exit_status)


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
        code = exit_status.exit_code
        with trace.step("daemon.handleContainerExit", container=container.id, exit_code=code):
            health.stop_healthchecks(container)
            await asyncio.gather(
                exec_run.settle(container, _DRAIN_TIMEOUT),
                container.streams.drained(_DRAIN_TIMEOUT),
            )
            await attempt(container.reset(), "close the streams and the log")
            ran_for = (time.time_ns() - times.parse_ns(state.started_at)) / 1e9
            delay = _restart_delay(engine, container, exit_status, ran_for)
            if delay is not None:
                record.restart_count += 1
                trace.note(restart_in_seconds=delay)
                log.info(
                    "restarting container",
                    extra={"container": container.id, "restartCount": record.restart_count},
                )
                state.set_restarting(exit_status)
            else:
                state.set_stopped(exit_status)
            networking.released(engine, container)
            engine.containers.checkpoint_or_log(container)  # whoever waits is told all the same
            mounts.log_unmounts(engine, container)
            _log_die(engine, container, exit_status, ran_for)
            container.teardown = engine.background(
                cleanup.cleanup_until_done(engine, container.id, exited=True),
                f"clean up {container.id}",
            )
            container.waiters.stopped()
    if delay is not None:
        container.restart = engine.background(
            _restart_after(engine, container, delay, exit_status), f"restart {container.id}"
        )
    elif container.host_config.auto_remove and not record.has_been_manually_restarted:
        await remove.auto_remove(engine, container)


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
    with trace.step("restartmanager.wait", container=container.id, seconds=delay):
        wanted = await container.get_restart_manager().back_off(delay)
    if wanted:
        try:
            await start.container_start(engine, container, reset_restart_manager=False)
        except RunnerError as err:
            log.error("restart failed: %s", err, extra={"container": container.id})
        else:
            return
    async with container.lock:
        container.state.set_stopped(exit_status)
        engine.containers.checkpoint_or_log(container)
        container.waiters.stopped()
    if container.host_config.auto_remove:
        await remove.auto_remove(engine, container)
