"""New containers, seen from their mounted root: working directory, anonymous volumes, copy-up.

Paths are resolved inside the container's root, whatever links the image holds.
Source: moby daemon/create_unix.go.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from runner.linux.libc import error_text
from runner.linux.rooted import (
    closing_fd,
    make_dirs_in_root,
    open_in_root,
    opened_root,
    real_path,
)
from runner.linux.threads import to_end
from runner.types.errors import System
from runner.types.paths import clean
from runner.volume.copy_tree import copy_tree
from runner.volume.mount_point import MountPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from runner.types.container import HostConfig
    from runner.volume.store import VolumeStore


async def setup_working_directory(root: Path, working_dir: str) -> None:
    """Make it inside the container's root (moby SetupWorkingDirectory). Raises System."""
    if working_dir:
        await to_end(_make_working_directory, root, working_dir)


def _make_working_directory(root: Path, working_dir: str) -> None:
    try:
        with opened_root(root) as directory:
            os.close(make_dirs_in_root(directory, clean(working_dir), 0o755, (0, 0)))
    except NotADirectoryError as err:
        raise System(f"Cannot mkdir: {working_dir} is not a directory") from err
    except OSError as err:
        raise System(f"mkdir {working_dir}: {error_text(err)}") from err


async def create_anonymous_volumes(
    store: VolumeStore,
    container_id: str,
    root: Path,
    volumes: Iterable[str],
    host_config: HostConfig,
    points: Mapping[str, MountPoint],
) -> dict[str, MountPoint]:
    """A volume for each destination of Config.Volumes where nothing else is mounted.

    The volumes are referred to by the container; on failure they are for the caller to release,
    which is why each is in the result as soon as it exists. Raises System, NotFound.
    """
    made: dict[str, MountPoint] = {}
    try:
        for spec in volumes:
            destination = clean(spec)
            if destination not in points and destination not in (host_config.tmpfs or {}):
                await to_end(_check_is_no_file, root, destination)
                made[destination] = await _anonymous(store, container_id, destination, host_config)
    except BaseException:
        for point in made.values():
            store.release(point.name, container_id)
            await store.remove(point.name)
        raise
    return made


async def _anonymous(
    store: VolumeStore, container_id: str, destination: str, host_config: HostConfig
) -> MountPoint:
    volume = await store.create("", host_config.volume_driver, reference=container_id)
    return MountPoint(
        type="volume",
        name=volume.name,
        driver=volume.driver,
        source=str(volume.mountpoint),
        destination=destination,
        copy_data=True,
    )


def _check_is_no_file(root: Path, destination: str) -> None:
    with _found(root, destination) as descriptor:
        if descriptor is not None and not _is_directory(descriptor):
            path = real_path(descriptor)
            raise System(f"cannot mount volume over existing file, file exists {path}")


async def populate_volumes(
    store: VolumeStore, container_id: str, root: Path, points: Mapping[str, MountPoint]
) -> None:
    """Copy what the image has at their destinations into volumes that are empty.

    Called once, when the container is made (moby populateVolumes); of several that have the volume
    the first fills it, and the others find it filled. Raises System.
    """
    holder = f"{container_id}/copy-up"  # not the container, which may hold it already
    for point in points.values():
        if point.is_volume and point.copy_data and await to_end(_exists, root, point.destination):
            async with store.filling(point.name):
                try:
                    path = await store.mount(point.name, holder)
                    await to_end(_populate, root, point.destination, path)
                finally:
                    await store.unmount(point.name, holder)


def _exists(root: Path, destination: str) -> bool:
    with _found(root, destination) as found:
        return found is not None


def _populate(root: Path, destination: str, volume: Path) -> None:
    with _found(root, destination) as source:
        if source is None or any(True for _ in _entries(volume)):
            return
        if not _is_directory(source):
            raise System(f"source {real_path(source)} is not directory")
        try:
            with (
                closing_fd(os.open(f"/proc/self/fd/{source}", os.O_RDONLY)) as origin,
                closing_fd(os.open(volume, os.O_RDONLY | os.O_DIRECTORY)) as target,
            ):
                copy_tree(origin, target)
        except OSError as err:
            text = f"failed to copy {destination} of the image into volume {volume}"
            raise System(f"{text}: {error_text(err)}") from err


def _entries(directory: Path) -> Iterator[Path]:
    try:
        yield from directory.iterdir()
    except OSError as err:
        raise System(f"open {directory}: {error_text(err)}") from err


@contextlib.contextmanager
def _found(root: Path, destination: str) -> Iterator[int | None]:
    """A descriptor of the destination inside the root, or None when nothing is there."""
    with contextlib.ExitStack() as stack:
        try:
            directory = stack.enter_context(opened_root(root))
            found = open_in_root(directory, destination, os.O_PATH)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        except OSError as err:
            raise System(f"stat {destination}: {error_text(err)}") from err
        yield stack.enter_context(closing_fd(found))


def _is_directory(descriptor: int) -> bool:
    return stat.S_ISDIR(os.stat(descriptor).st_mode)
