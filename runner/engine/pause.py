"""Freezing containers and thawing them (moby daemon/pause.go, unpause.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine import health
from runner.types.errors import Conflict, RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine


async def container_pause(engine: Engine, reference: str) -> None:
    """Freeze every process of the container (moby ContainerPause).

    Raises NotFound, Conflict unless the container runs, RunnerError when the runtime cannot.
    """
    container = engine.containers.get(reference)
    async with container.lock:
        container.check_running()
        if container.state.paused:
            raise Conflict(f"Container {container.id} is already paused")
        container.check_not_restarting()
        async with container.exec_starts.none():
            try:
                await engine.containerd.tasks.pause(container.id)
            except RunnerError as err:
                raise RunnerError(f"cannot pause container {container.id}: {err}") from err
            _set_paused(engine, container, paused=True)


async def container_unpause(engine: Engine, reference: str) -> None:
    """Let them run on (moby ContainerUnpause).

    Raises NotFound, Conflict when the container has ended, RunnerError when it is not paused, or
    the runtime cannot.
    """
    container = engine.containers.get(reference)
    async with container.lock:
        if not container.state.paused:
            raise RunnerError(f"Container {container.id} is not paused")
        try:
            await engine.containerd.tasks.resume(container.id)
        except RunnerError as err:
            raise RunnerError(f"Cannot unpause container {container.id}: {err}") from err
        _set_paused(engine, container, paused=False)


async def note_paused(engine: Engine, container: Container, *, paused: bool) -> None:
    """containerd tells that it is frozen or thawed: by us, then there is nothing to do, or by
    another of its clients."""
    async with container.lock:
        if container.state.running and container.state.paused != paused:
            _set_paused(engine, container, paused=paused)


def _set_paused(engine: Engine, container: Container, *, paused: bool) -> None:
    container.state.paused = paused
    health.update_health_monitor(engine, container)
    engine.containers.checkpoint_or_log(container)
    engine.events.log_container(container, "pause" if paused else "unpause")
