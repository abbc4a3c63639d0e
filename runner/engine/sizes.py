"""How much a container has written, and how much it is in all (moby GetContainerLayerSize)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import NotFound

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine


async def own(engine: Engine, container: Container) -> int:
    """Bytes in the container's own layer."""
    return (await engine.containerd.snapshots(container.record.driver).usage(container.id)).size


async def of(engine: Engine, container: Container) -> tuple[int, int]:
    """Bytes in the container's own layer, and in all its layers."""
    snapshots = engine.containerd.snapshots(container.record.driver)
    written = await own(engine, container)
    total, name = written, (await snapshots.stat(container.id)).parent
    while name:
        try:
            total += (await snapshots.usage(name)).size
            name = (await snapshots.stat(name)).parent
        except NotFound:
            break  # the image was removed meanwhile; what is counted is what there is
    return written, total
