"""Restarting containers on request (moby daemon/restart.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.signals import parse_signal
from runner.engine.start import container_start
from runner.engine.stop import stop
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine


async def container_restart(
    engine: Engine, reference: str, *, signal: str = "", timeout: int | None = None
) -> None:
    """Stop the container if it runs, and start it (moby ContainerRestart).

    An auto-remove container is not removed by this stop. Raises NotFound, System when it cannot
    be stopped or started, be it for a signal that is none; if it does not run none is looked at.
    """
    container = engine.containers.get(reference)
    try:
        await _restart(engine, container, signal, timeout)
    except RunnerError as err:
        raise System(f"Cannot restart container {reference}: {err}") from err


async def _restart(engine: Engine, container: Container, signal: str, timeout: int | None) -> None:
    container.record.has_been_manually_restarted = True
    try:
        if container.state.running:
            number = parse_signal(signal) if signal else None
            await stop(engine, container, number, timeout)
        await container_start(engine, container)
    finally:
        container.record.has_been_manually_restarted = False
    engine.events.log_container(container, "restart")
