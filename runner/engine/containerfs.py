"""A container's file system with all that it has mounted, for `runner.files` to work in
(moby daemon/containerfs_linux.go).

Of a container that runs it is the very mount that its processes use. One that does not run has
none: the process that does the work makes it for itself.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine import mounts, networking, rootfs
from runner.files.messages import Bind, View
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.volume import PreparedMount


@asynccontextmanager
async def opened(engine: Engine, container: Container, reference: str) -> AsyncIterator[View]:
    """The view, with the container locked and its volumes held until the end.

    As in dockerd the container can neither start nor be removed meanwhile. Emits `mount` and
    `unmount` events for volumes. Raises NotFound, System.
    """
    holder = f"{container.id}/files-{secrets.token_hex(8)}"
    async with container.lock:
        if container.removed:
            raise NotFound(f"No such container: {reference}")
        async with mounts.looked_into(engine, container, holder) as located:
            binds = [*map(_bind, located), *_network_binds(engine, container, located)]
            yield await _view(engine, container, tuple(binds))


async def _view(engine: Engine, container: Container, binds: tuple[Bind, ...]) -> View:
    if container.state.running and not container.state.restarting:
        return View(str(rootfs.path(engine, container.id)), binds=binds)
    await container.finish_teardown()
    layers = await rootfs.layer_mounts(engine, container)
    return View(str(engine.config.rootfs_dir), tuple(layers), binds)


def _bind(mount: PreparedMount) -> Bind:
    return Bind(
        mount.source,
        mount.destination,
        subpath=mount.subpath,
        writable=mount.writable,
        recursive=not mount.non_recursive,
        read_only_recursive=not mount.read_only_non_recursive,
        read_only_required=mount.read_only_force_recursive,
    )


def _network_binds(
    engine: Engine, container: Container, located: list[PreparedMount]
) -> Iterator[Bind]:
    """hosts, hostname and resolv.conf, which a container has once it has been started; the user's
    own ones are among the located (moby NetworkMounts)."""
    taken = {mount.destination for mount in located}
    files = networking.files_of(engine, container)
    writable = not container.host_config.readonly_rootfs
    for destination, source in (
        ("/etc/resolv.conf", files.resolv_conf),
        ("/etc/hostname", files.hostname),
        ("/etc/hosts", files.hosts),
    ):
        if destination not in taken and source and Path(source).exists():
            yield Bind(source, destination, writable=writable)
