"""How much containers have written, and how much they are in all (moby GetContainerLayerSize)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from runner.types.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.containerd.snapshots import Snapshots
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_AT_ONCE: Final = 8
"""Containers measured at a time: for each of them the snapshotter walks a tree of files."""


async def own(engine: Engine, container: Container) -> int:
    """Bytes in the container's own layer, counted now; none if it has just been removed.

    Raises NotFound when its layer is lost.
    """
    try:
        usage = await engine.containerd.snapshots(container.record.driver).usage(container.id)
    except NotFound as err:
        if container.removed:
            return 0
        text = f"rw layer snapshot not found for container {container.id}"
        raise err.wrap(text) from err
    return usage.size


class Sizes:
    """Measures containers. A layer that several of them stand on is asked for once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._beneath: dict[tuple[str, str], asyncio.Task[int]] = {}

    async def of_all(self, containers: Sequence[Container]) -> list[tuple[int, int]]:
        """`of` each of them, several at a time."""
        return list(await asyncio.gather(*map(self.of, containers)))

    async def of_snapshots(self, snapshots: Snapshots, names: Sequence[str]) -> int:
        """Bytes of these snapshots without what is beneath them; one that has gone has none."""

        async def size(name: str) -> int:
            async with self._limit:
                try:
                    return (await snapshots.usage(name)).size
                except NotFound:
                    return 0

        return sum(await asyncio.gather(*map(size, names)))

    async def of(self, container: Container) -> tuple[int, int]:
        """Bytes in the container's own layer, and in all its layers. Raises NotFound."""
        async with self._limit:
            written = await own(self._engine, container)
        snapshots = self._engine.containerd.snapshots(container.record.driver)
        try:
            parent = (await snapshots.stat(container.id)).parent
        except NotFound:
            return written, written
        return written, written + await self._total(snapshots, parent)

    async def _total(self, snapshots: Snapshots, name: str) -> int:
        """Of the layer and all beneath it."""
        if not name:
            return 0
        key = (snapshots.snapshotter, name)
        if key not in self._beneath:
            self._beneath[key] = asyncio.create_task(self._count(snapshots, name))
        return await asyncio.shield(self._beneath[key])

    async def _count(self, snapshots: Snapshots, name: str) -> int:
        try:
            usage, info = await snapshots.usage(name), await snapshots.stat(name)
        except NotFound:
            log.warning("parent of container snapshot no longer present: %s", name)
            return 0
        return usage.size + await self._total(snapshots, info.parent)
