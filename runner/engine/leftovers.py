"""What removed containers leave behind, worked off until nothing is left.

Each leftover is in the store from the moment its container is removed for the clients. Sweeping
is idempotent; what fails is tried again later, and after a restart of the engine.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt
from tenacity.wait import wait_exponential

from runner import trace
from runner.engine import cleanup, image_mounts
from runner.engine.attempt import attempt
from runner.volume import remove_volumes

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_ATTEMPTS = 8


class Leftover(msgspec.Struct, frozen=True):
    """All that is needed to remove what the container had: its anonymous volumes if wanted, and
    where the images that it has are mounted."""

    id: str
    snapshotter: str
    volumes: list[str]
    images: list[str] = []

    @classmethod
    def of(cls, container: Container, volumes: list[str]) -> Leftover:
        """What this container leaves."""
        images = image_mounts.sources(container)
        return cls(container.id, container.record.driver, volumes, images)


encode = msgspec.json.encode
decode = msgspec.json.Decoder(Leftover).decode


class Leftovers:
    """The engine's list, and those being swept at present."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sweeping: set[asyncio.Task[None]] = set()

    def load(self) -> list[Leftover]:
        """What the previous engine did not get done."""
        return [decode(record) for _, record in self._engine.store.leftovers.all()]

    def sweep_soon(self, leftover: Leftover, after: asyncio.Task[bool] | None = None) -> None:
        """Sweep in the background, once `after` (the run's own teardown) is through."""
        task = self._engine.background(
            self._sweep(leftover, after), f"sweep up after {leftover.id}"
        )
        self._sweeping.add(task)
        task.add_done_callback(self._sweeping.discard)

    async def settled(self) -> None:
        """Wait until nothing is being swept."""
        while self._sweeping:
            await asyncio.wait(self._sweeping)

    async def _sweep(self, leftover: Leftover, after: asyncio.Task[bool] | None) -> None:
        with trace.about(leftover.id):
            await self._sweep_up(leftover, released=after is not None and await after)

    async def _sweep_up(self, leftover: Leftover, *, released: bool) -> None:
        retry = AsyncRetrying(
            retry=retry_if_result(lambda done: not done),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=0.1, max=10),
        )
        try:
            await retry(remove_physically, self._engine, leftover, released=released)
        except RetryError:
            log.error(
                "could not remove everything of the container; it is tried again when the engine"
                " starts next",
                extra={"container": leftover.id},
            )
        else:
            self._engine.store.discard(leftover.id)


async def remove_physically(engine: Engine, leftover: Leftover, *, released: bool) -> bool:
    """Remove all that is left of a container. Idempotent; whether nothing is left.

    `released` says that its last run has been given back already.
    """
    released = released or await cleanup.cleanup(engine, leftover.id)
    snapshots = engine.containerd.snapshots(leftover.snapshotter)
    with trace.step("daemon.ReleaseLayer", container=leftover.id):
        volumes = remove_volumes(engine.volumes, leftover.volumes)
        removed = [
            await attempt(snapshots.remove(leftover.id), "remove snapshot"),
            await attempt(volumes, "remove volumes"),
        ]
        for source in map(Path, leftover.images):
            removal = image_mounts.remove(engine, leftover.snapshotter, source)
            removed.append(await attempt(removal, "remove a mounted image's layer"))
    if not released or not all(removed):
        return False
    await asyncio.to_thread(engine.containers.remove_directory, leftover.id)
    return True
