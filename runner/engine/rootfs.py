"""The container's root filesystem, mounted on the host while it runs.

dockerd mounts it itself rather than leaving it to the shim: users are looked up in it, the working
directory is made in it, and files can be copied from and to it.
Source: moby conditionalMountOnStart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.mounted import mount_all_in_thread, unmount_all_in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.containerd.values import Mount
    from runner.engine.container import Container
    from runner.engine.engine import Engine


def path(engine: Engine, container_id: str) -> Path:
    """Where the root filesystem of the container is mounted."""
    return engine.config.rootfs_dir / container_id


async def mount(engine: Engine, container: Container) -> None:
    """Mount the container's snapshot. Raises NotFound when the snapshot is gone, System."""
    with trace.step("daemon.conditionalMountOnStart", container=container.id):
        mounts = await layer_mounts(engine, container)
        await mount_snapshot(mounts, path(engine, container.id))


async def mount_snapshot(mounts: Sequence[Mount], target: Path) -> None:
    """Mount a snapshot of the container's. Raises System."""
    target.mkdir(parents=True, exist_ok=True, mode=0o710)
    with trace.step("mount", target=str(target)) as step:
        if step is not None:
            step.note(mounts=[_shown(mount) for mount in mounts])
        await mount_all_in_thread(mounts, target)


async def unmount_snapshot(target: Path) -> None:
    """Take it away again (moby conditionalUnmountOnCleanup); its mount point stays. Idempotent."""
    if target.exists():
        with trace.step("umount", target=str(target)):
            await unmount_all_in_thread(target)


def _shown(mount: Mount) -> str:
    return f"{mount.type} {mount.source} {','.join(mount.options)}"


async def layer_mounts(engine: Engine, container: Container) -> list[Mount]:
    """How to mount the container's snapshot; asked of containerd once. Raises NotFound."""
    if container.layer_mounts is None:
        snapshots = engine.containerd.snapshots(container.record.driver)
        container.layer_mounts = await snapshots.mounts(container.id)
    return container.layer_mounts
