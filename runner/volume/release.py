"""A container's removal: its volumes are let go of (moby daemon/mounts.go removeMountPoints)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import Conflict, NotFound, RunnerError, System
from runner.volume.register import anonymous_volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.volume.mount_point import MountPoint
    from runner.volume.store import VolumeStore


async def release_mount_points(
    store: VolumeStore, container_id: str, points: Mapping[str, MountPoint], *, remove: bool
) -> None:
    """Give the references back; with `remove`, delete the anonymous volumes too.

    Idempotent. Raises System naming every volume that could not be removed.
    """
    for point in points.values():
        if point.is_volume:
            store.release(point.name, container_id)
    if remove:
        await remove_volumes(store, anonymous_volumes(points))


async def remove_volumes(store: VolumeStore, names: Iterable[str]) -> None:
    """Delete the volumes, except those that other containers use. Idempotent. Raises System."""
    failures: list[str] = []
    for name in names:
        try:
            await store.remove(name)
        except (Conflict, NotFound):
            continue
        except RunnerError as err:
            failures.append(str(err))
    if failures:
        raise System("Error removing volumes:\n" + "\n".join(failures))
