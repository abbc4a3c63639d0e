"""Stopping the containers together with the engine, which is not the default here
(moby Daemon.Shutdown without live-restore)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from runner.engine.stop import DEFAULT_STOP_TIMEOUT, stop
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_GRACE = 5.0
"""Seconds beyond a container's own timeout for its kill to be seen."""


async def shut_down_containers(engine: Engine) -> None:
    """Stop all running containers at once, each with its own signal and timeout.

    Their restart policies stay in force: the next engine brings back those that want it.
    """
    running = [container for container in engine.containers if container.state.running]
    await asyncio.gather(*(shut_down_container(engine, container) for container in running))


async def shut_down_container(engine: Engine, container: Container) -> None:
    """Stop one; a failure is logged."""
    try:
        await stop(engine, container)
    except RunnerError as err:
        log.error("failed to shut down container: %s", err, extra={"container": container.id})


def shutdown_timeout(engine: Engine, containers: Iterable[Container]) -> float | None:
    """Seconds that a shutdown may take; None when a container is to be waited for for ever
    (moby shutdownTimeout)."""
    longest = engine.config.shutdown_timeout
    if engine.config.live_restore:
        return longest
    for container in containers:
        timeout = container.config.stop_timeout
        timeout = DEFAULT_STOP_TIMEOUT if timeout is None else timeout
        if timeout < 0:
            return None
        longest = max(longest, timeout + _GRACE)
    return longest
