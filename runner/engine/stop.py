"""Stopping containers (moby daemon/stop.go)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner.engine.kill import kill, kill_with_signal
from runner.engine.signals import parse_signal, stop_signal
from runner.engine.wait import stopped_within
from runner.types.errors import NotModified, RunnerError, System

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

DEFAULT_STOP_TIMEOUT = 10
_UNSENT_SIGNAL_WAIT = 2.0
_FAILED_KILL_WAIT = 2.0


async def container_stop(
    engine: Engine, reference: str, *, signal: str = "", timeout: int | None = None
) -> None:
    """Stop the container (moby ContainerStop).

    `timeout` in seconds; None takes the container's own or 10, a negative one waits for ever.
    Raises NotFound, NotModified when the container does not run, System when it would not stop or
    the signal is none.
    """
    container = engine.containers.get(reference)
    if not container.state.running:
        raise NotModified("container is already stopped")
    try:
        number = parse_signal(signal) if signal else stop_signal(container.config.stop_signal)
        await stop(engine, container, number, timeout)
    except RunnerError as err:
        raise System(f"cannot stop container: {reference}: {err}") from err


async def stop(
    engine: Engine, container: Container, number: int | None = None, timeout: int | None = None
) -> None:
    """Ask with a signal, then kill (moby containerStop). Nothing to do when it does not run."""
    if not container.state.running:
        return
    number = stop_signal(container.config.stop_signal) if number is None else number
    await _signal_then_kill(engine, container, number, _seconds(container, timeout))
    engine.events.log_container(container, "stop")
    async with container.lock:
        pass  # the exit's state is committed before the client is answered


def _seconds(container: Container, timeout: int | None) -> int | None:
    """How long to wait before the kill; None: for ever."""
    if timeout is None:
        timeout = container.config.stop_timeout
    if timeout is None:
        timeout = DEFAULT_STOP_TIMEOUT
    return None if timeout < 0 else timeout


async def _signal_then_kill(
    engine: Engine, container: Container, number: int, seconds: float | None
) -> None:
    limit = seconds
    try:
        await kill_with_signal(engine, container, number)
    except RunnerError:
        # it may be about to exit by itself: give it a little time before the force
        limit = _UNSENT_SIGNAL_WAIT
    if await stopped_within(container, limit):
        return
    log.info(
        "Container failed to exit within %ss of signal %d - using the force",
        seconds,
        number,
        extra={"container": container.id},
    )
    try:
        await kill(engine, container)
    except RunnerError:
        if not await stopped_within(container, _FAILED_KILL_WAIT):
            raise
