"""Images that a container mounts: `--mount type=image` (moby registerMountPoints).

Each has a layer of the container's own, so that the image can be removed meanwhile. As in dockerd
it is mounted on the host, below the root filesystems, from the container's creation to its removal.
After a reboot it is mounted by whoever needs it first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner import trace
from runner.containerd.mounted import (
    mount_all_in_thread,
    remove_mount_point,
    unmount_all_in_thread,
)
from runner.engine import layers
from runner.linux.mountinfo import read_mounts
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AsyncExitStack

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.volume import MountPoint


async def create(
    engine: Engine,
    container: Container,
    points: Mapping[str, MountPoint],
    undo: AsyncExitStack,
) -> dict[str, MountPoint]:
    """The mount points that are images, by destination, with their layers made and mounted.

    Those of --volumes-from get layers of this container's own too; dockerd mounts the other's,
    which goes with the other. Raises NotFound for a missing image, System.
    """
    made = {}
    for destination, point in points.items():
        if point.is_image:
            made[destination] = await _create(engine, container, point, undo)
    await mount(engine, container.record.driver, made)
    return made


async def _create(
    engine: Engine, container: Container, point: MountPoint, undo: AsyncExitStack
) -> MountPoint:
    image = await engine.images.get(point.spec.source)
    layer = _layer(container.id, point)
    snapshots = engine.containerd.snapshots(container.record.driver)
    try:
        with trace.step("ImageService.CreateLayerFromImage", image=image.id, snapshot=layer):
            async with engine.containerd.leases.hold():
                parent = await engine.images.ensure_unpacked(image)
                await snapshots.prepare(layer, parent, layers.labels(container))
    except RunnerError as err:
        raise System(f"cannot make the layer of image {point.spec.source}: {err}") from err
    undo.push_async_callback(remove, engine, container.record.driver, layer)
    return replace(
        point,
        name=point.name or point.spec.source,
        source=str(engine.config.rootfs_dir / layer),
        rw=False,
        spec=replace(point.spec, source=image.id),
    )


def _layer(container_id: str, point: MountPoint) -> str:
    """The snapshot's name: one image may be mounted in several places."""
    described = f"{container_id}-src={point.spec.source}-dst={point.destination}"
    return hashlib.sha256(described.encode()).hexdigest()


def layers_of(points: Mapping[str, MountPoint]) -> list[str]:
    """The names of the layers, which are those of the directories that they are mounted on."""
    return [Path(point.source).name for point in points.values() if point.is_image]


async def mount(engine: Engine, snapshotter: str, points: Mapping[str, MountPoint]) -> None:
    """Mount the layers that are not mounted. Raises NotFound when one is gone, System."""
    for target in _not_mounted(engine.config.rootfs_dir / name for name in layers_of(points)):
        mounts = await engine.containerd.snapshots(snapshotter).mounts(target.name)
        target.mkdir(parents=True, exist_ok=True, mode=0o710)
        with trace.step("mount", target=str(target)):
            await mount_all_in_thread(mounts, target)


def _not_mounted(targets: Iterable[Path]) -> list[Path]:
    wanted = list(targets)
    if not wanted:
        return []
    mounted = {each.mountpoint for each in read_mounts()}
    return [target for target in wanted if str(target) not in mounted]


async def remove(engine: Engine, snapshotter: str, layer: str) -> None:
    """Unmount the layer and remove it (moby removeMountPoints). Raises NotFound when there is none
    any more, System."""
    target = engine.config.rootfs_dir / layer
    if target.exists():
        await unmount_all_in_thread(target)
        try:
            remove_mount_point(target)
        except OSError as err:
            raise System(f"cannot remove {target}: {err}") from err
    await engine.containerd.snapshots(snapshotter).remove(layer)
