"""A container's root file system as a tar (moby daemon/export.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.mount import read_only
from runner.engine import rootfs
from runner.files.messages import PackAll, View
from runner.types.errors import Conflict, RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.engine.container import Container
    from runner.engine.engine import Engine


async def container_export(engine: Engine, reference: str) -> AsyncGenerator[bytes, None]:
    """The tar, without what is mounted in the container (moby ContainerExport).

    Emits `export` when all of it has been read. Raises NotFound, Conflict while it is being
    removed.
    """
    container = engine.containers.get(reference)
    verify_not_going(container, "export")
    return _export(engine, container, reference)


def verify_not_going(container: Container, verb: str) -> None:
    """Raise Conflict for a container that is dead or being removed."""
    if container.state.dead:
        raise Conflict(f"You cannot {verb} container {container.id} which is Dead")
    if container.state.removal_in_progress:
        raise Conflict(f"You cannot {verb} container {container.id} which is being removed")


async def _export(
    engine: Engine, container: Container, reference: str
) -> AsyncGenerator[bytes, None]:
    try:
        with trace.step("daemon.containerExport", container=container.id):
            # a look at what the container has written, beside the mount that it writes through
            layers = read_only(await rootfs.layer_mounts(engine, container))
            view = View(str(engine.config.rootfs_dir), tuple(layers))
            async with engine.files.start(PackAll(view)) as work:
                while chunk := await work.read():
                    yield chunk
                await work.finish()
    except RunnerError as err:
        raise RunnerError(f"Error exporting container {reference}: {err}") from err
    engine.events.log_container(container, "export")
