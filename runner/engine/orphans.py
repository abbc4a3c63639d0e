"""What creates that were cut off have left: things made for a container that no record knows.

A create makes the writable layer, a directory and perhaps a mount before its record is committed.
When the engine is killed in between, nobody was told of the container, so it never was.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from runner.containerd.mounted import unmount_all_in_thread
from runner.engine.attempt import attempt
from runner.engine.layer_labels import CONTAINER_LABEL
from runner.linux.mountinfo import read_mounts

if TYPE_CHECKING:
    from pathlib import Path

    from runner.engine.engine import Engine

log = logging.getLogger(__name__)


async def collect(engine: Engine, known: set[str]) -> list[str]:
    """Remove what belongs to none of the `known` containers; the IDs of those that never were."""
    config, snapshots = engine.config, engine.containerd.snapshots()
    owners = {
        info.name: info.labels[CONTAINER_LABEL]
        async for info in snapshots.list(f'labels."{CONTAINER_LABEL}"')
    }
    orphaned = {name: owner for name, owner in owners.items() if owner not in known}
    mounted = known | owners.keys() - orphaned.keys()
    await _unmount_below(config.rootfs_dir, mounted)
    for name in orphaned:
        await attempt(snapshots.remove(name), "remove an orphaned snapshot")
    _remove_directories(config.rootfs_dir, mounted)
    orphans = set(orphaned.values())
    for parent in (config.containers_dir, config.exec_root / "containers"):
        orphans |= _remove_directories(parent, known)
    return sorted(orphans)


async def _unmount_below(directory: Path, known: set[str]) -> None:
    """Images, and root filesystems that were mounted to fill volumes or make a bundle."""
    for mount in reversed(read_mounts()):
        target = directory / mount.mountpoint.rpartition("/")[2]
        if mount.mountpoint == str(target) and target.name not in known:
            await attempt(unmount_all_in_thread(target), "unmount an orphaned filesystem")


def _remove_directories(parent: Path, known: set[str]) -> set[str]:
    if not parent.is_dir():
        return set()
    mounted = {mount.mountpoint for mount in read_mounts()}
    orphans = {entry for entry in parent.iterdir() if entry.name not in known}
    for orphan in orphans:
        if any(point == str(orphan) or point.startswith(f"{orphan}/") for point in mounted):
            log.warning("%s is still in use; it is left where it is", orphan)
        else:
            shutil.rmtree(orphan, ignore_errors=True)
    return {orphan.name for orphan in orphans}
