"""Removing containers (moby daemon/delete.go).

A container is gone for its clients when its name is free and its removal cannot be forgotten: its
record becomes a leftover in one commit, and `leftovers` sweeps up what it had.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from runner import trace
from runner.engine import leftovers, mounts
from runner.engine.attempt import attempt
from runner.engine.kill import kill
from runner.engine.state import Status
from runner.types.errors import Conflict, NotImplementedYet, RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)


async def container_rm(
    engine: Engine,
    reference: str,
    *,
    force: bool = False,
    remove_volumes: bool = False,
    remove_link: bool = False,
) -> None:
    """Remove the container (moby ContainerRm).

    `force` kills it first; `remove_volumes` takes its anonymous volumes along. Raises NotFound,
    Conflict when it runs or is being removed already, System when it would not die.
    """
    if remove_link:
        raise NotImplementedYet("removing links is not supported")
    began = time.monotonic()
    container = engine.containers.get(reference)
    if container.state.removal_in_progress:
        raise Conflict(f"removal of container {reference} is already in progress")
    container.state.removal_in_progress = True
    try:
        while not container.removed:
            if container.state.running:
                await _make_stop(engine, container, reference, force=force)
            async with container.lock:
                # a start that had the lock before us may have succeeded meanwhile
                if not container.state.running:
                    await _cleanup_container(engine, container, remove_volumes=remove_volumes)
    finally:
        container.state.removal_in_progress = False
    engine.metrics.action("delete", time.monotonic() - began)


async def _make_stop(engine: Engine, container: Container, reference: str, *, force: bool) -> None:
    """Kill it if that is wanted, refuse if not."""
    state = container.state
    if not force:
        name = reference.removeprefix("/")
        if state.paused:
            raise Conflict(
                f'cannot remove container "{name}": container is paused and must be unpaused first'
            )
        raise Conflict(
            f'cannot remove container "{name}": container is {state.status}:'
            " stop the container before removing or force remove"
        )
    try:
        await kill(engine, container)
    except Conflict:
        pass  # it has stopped by itself
    except RunnerError as err:
        raise err.wrap("could not kill container") from err


async def _cleanup_container(engine: Engine, container: Container, *, remove_volumes: bool) -> None:
    """The removal itself, under the lock (moby cleanupContainer)."""
    with trace.step("daemon.cleanupContainer", container=container.id):
        container.state.dead = True
        volumes = mounts.volumes_to_remove(container) if remove_volumes else []
        leftover = leftovers.Leftover.of(container, volumes)
        engine.containers.forget(container, leftovers.encode(leftover))
        engine.execs.retire(container)
        mounts.release_references(engine, container)
        mounts.retire_volumes(engine, volumes)
        engine.stats.stop_collection(container)
        await attempt(container.reset(), "close the streams and the log")
        container.waiters.removed()
        engine.events.log_container(container, "destroy")
        engine.leftovers.sweep_soon(leftover, after=container.teardown)


async def auto_remove(engine: Engine, container: Container) -> None:
    """Remove an auto-remove container after its end; a failure is logged (moby autoRemove)."""
    if container.removed or container.state.status is Status.RUNNING:
        return
    try:
        await container_rm(engine, container.id, force=True, remove_volumes=True)
    except RunnerError as err:
        log.error("can't remove container: %s", err, extra={"container": container.id})
