"""The size of a container's terminal (moby daemon/resize.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import Conflict

if TYPE_CHECKING:
    from runner.engine.engine import Engine


async def container_resize(engine: Engine, reference: str, height: int, width: int) -> None:
    """Tell the terminal its size in characters (moby ContainerResize).

    Raises NotFound, Conflict when the container does not run.
    """
    container = engine.containers.get(reference)
    if not container.state.running or container.state.restarting:
        raise Conflict(f"container {container.id} is not running")
    await engine.containerd.tasks.resize_pty(container.id, width, height)
    attributes = {"height": str(height), "width": str(width)}
    engine.events.log_container(container, "resize", attributes)
