"""Images that a container mounts: `--mount type=image` (moby registerMountPoints).

Each has a layer of the container's own, so that the image can be removed meanwhile. As in dockerd
it is mounted on the host, beside the root filesystems, from the container's creation to its
removal. After a reboot it is mounted by whoever needs it first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner import trace
from runner.containerd.mounted import remove_mount_point
from runner.engine import rootfs
from runner.engine.attempt import attempt
from runner.engine.layer_labels import layer_labels
from runner.linux.mountinfo import read_mounts
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AsyncExitStack

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.image.store import Image
    from runner.types.container import HostConfig
    from runner.volume import MountPoint

    Images = Mapping[str, Image]


async def find(engine: Engine, host_config: HostConfig) -> Images:
    """The images to be mounted, by what the user calls them. Raises NotFound."""
    return {
        mount.source: await engine.images.get(mount.source)
        for mount in host_config.mounts or []
        if mount.type == "image"
    }


async def create(engine: Engine, container: Container, found: Images, undo: AsyncExitStack) -> None:
    """Make a layer for each mount point that is an image, and mount it. Raises System.

    Those that come by --volumes-from get layers of this container's own too; dockerd mounts the
    other's, which goes with the other.
    """
    points = container.record.mount_points
    for destination, point in points.items():
        if point.is_image:
            image = None if _is_inherited(point) else found[point.spec.source]
            points[destination] = await _create(engine, container, point, image, undo)
    await mount(engine, container)


def _is_inherited(point: MountPoint) -> bool:
    return bool(point.name)


async def _create(
    engine: Engine,
    container: Container,
    point: MountPoint,
    image: Image | None,
    undo: AsyncExitStack,
) -> MountPoint:
    source = engine.config.rootfs_dir / _layer(container.id, point.destination)
    snapshots = engine.containerd.snapshots(container.record.driver)
    described = point.name or point.spec.source
    try:
        with trace.step("ImageService.CreateLayerFromImage", image=described, snapshot=source.name):
            async with engine.containerd.leases.hold():
                if image is None:  # which may be gone, but for the layers
                    parent = (await snapshots.stat(Path(point.source).name)).parent
                else:
                    parent = await engine.images.ensure_unpacked(image)
                await snapshots.prepare(source.name, parent, layer_labels(container))
    except RunnerError as err:
        raise System(f"cannot make the layer of image {described}: {err}") from err
    undo.push_async_callback(_undo, engine, container, source)
    image_id = point.spec.source if image is None else image.id
    spec = replace(point.spec, source=image_id)
    return replace(point, name=described, source=str(source), rw=False, spec=spec)


def _layer(container_id: str, destination: str) -> str:
    """The snapshot's name, which is its mount point's too: one image may be in several places."""
    return hashlib.sha256(f"{container_id}-dst={destination}".encode()).hexdigest()


async def _undo(engine: Engine, container: Container, source: Path) -> None:
    removal = remove(engine, container.record.driver, source)
    await attempt(removal, "remove the layer of an image that is not mounted after all")


def sources(container: Container) -> list[str]:
    """Where the layers of its images are mounted; the directories are named like them."""
    return [point.source for point in container.record.mount_points.values() if point.is_image]


async def mount(engine: Engine, container: Container) -> None:
    """Mount the layers that are not mounted. Raises NotFound when one is gone, System."""
    wanted = sources(container)
    if not wanted:
        return
    mounted = {each.mountpoint for each in read_mounts()}
    snapshots = engine.containerd.snapshots(container.record.driver)
    for target in map(Path, wanted):
        if str(target) not in mounted:
            await rootfs.mount_snapshot(await snapshots.mounts(target.name), target)


async def remove(engine: Engine, snapshotter: str, source: Path) -> None:
    """Unmount the layer and remove it (moby removeMountPoints). Raises NotFound when there is none
    any more, System."""
    await rootfs.unmount_snapshot(source)
    try:
        remove_mount_point(source)
    except OSError as err:
        raise System(f"cannot remove {source}: {err}") from err
    await engine.containerd.snapshots(snapshotter).remove(source.name)
