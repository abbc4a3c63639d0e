"""A container's start: mount points become paths on the host (moby setupMounts, Setup)."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.linux.libc import error_text
from runner.linux.threads import to_end
from runner.types.container import BindOptions
from runner.types.errors import RunnerError, System
from runner.types.paths import depth
from runner.volume.subpath import pin, unpin
from runner.volume.tmpfs import tmpfs_mounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.types.container import HostConfig
    from runner.volume.mount_point import MountPoint
    from runner.volume.store import VolumeStore


@dataclass(frozen=True, slots=True)
class PreparedMount:
    """One mount for the OCI specification (moby container.Mount).

    `propagation_by_default`: nobody asked for it, so that private will do where it is impossible.
    `subpath` is the part of the source that is meant, unless the source is that part already.
    """

    source: str
    destination: str
    writable: bool
    propagation: str
    propagation_by_default: bool = False
    non_recursive: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False
    subpath: str = ""


@dataclass(slots=True)
class Prepared:
    """The mounts, parents before what is below them, and what they need until the task runs."""

    mounts: list[PreparedMount] = field(default_factory=list)
    _temporary: list[Path] = field(default_factory=list)

    async def release(self) -> None:
        """Take temporary mounts away, once the task runs or will not. Idempotent."""
        while self._temporary:
            await to_end(unpin, self._temporary.pop())


async def setup_mounts(
    store: VolumeStore,
    container_id: str,
    points: Mapping[str, MountPoint],
    host_config: HostConfig,
    *,
    temporary: Path,
) -> Prepared:
    """Mount the volumes, make missing bind sources; the container holds its volumes from now on.

    Subpaths of volumes and images are pinned by temporary mounts below the directory `temporary`,
    so that nobody can exchange them for links meanwhile. On failure those are gone again; the
    volumes are for the caller to release (`unmount_held`). Raises NotFound, System, RunnerError.
    """
    prepared = Prepared()
    try:
        for each in await locate_mounts(store, container_id, points, host_config):
            prepared.mounts.append(await _pinned(each, prepared, temporary))
    except BaseException:
        await prepared.release()
        raise
    return prepared


async def locate_mounts(
    store: VolumeStore, holder: str, points: Mapping[str, MountPoint], host_config: HostConfig
) -> list[PreparedMount]:
    """The same without pinning anything, parents before what is below them, and for any holder:
    it holds the volumes until it lets go of them (`unmount_held`), also when this fails."""
    covered = tmpfs_mounts(host_config, points)
    mounts = [
        _prepare(point, await _source(store, holder, point))
        for destination, point in points.items()
        if destination not in covered
    ]
    return sorted(mounts, key=lambda each: depth(each.destination))


async def _source(store: VolumeStore, holder: str, point: MountPoint) -> str:
    if point.is_volume:
        try:
            return str(await store.mount(point.name, holder))
        except System as err:
            raise err.wrap(f"error while mounting volume '{point.source}'") from err
    if point.create_source:
        await to_end(_make_source, Path(point.source))
    return point.source


async def _pinned(mount: PreparedMount, prepared: Prepared, temporary: Path) -> PreparedMount:
    if not mount.subpath:
        return mount
    pinned = temporary / f"subpath-{len(prepared._temporary)}"
    prepared._temporary.append(pinned)
    await to_end(pin, Path(mount.source), mount.subpath, pinned)
    return replace(mount, source=str(pinned), subpath="")


def _make_source(source: Path) -> None:
    """Make a missing bind source: a directory, whatever was meant. Raises System."""
    try:
        source.mkdir(mode=0o755, parents=True, exist_ok=True)
    except FileExistsError:
        return  # a file: mounted as one
    except OSError as err:
        if err.errno != errno.ENOTDIR:
            text = f"error while creating mount source path '{source}'"
            raise System(f"{text}: mkdir {err.filename}: {error_text(err)}") from err


def _prepare(point: MountPoint, source: str) -> PreparedMount:
    if point.type != "bind":
        options = point.spec.image_options if point.is_image else point.spec.volume_options
        subpath = options.subpath if options else ""
        return PreparedMount(
            source, point.destination, point.rw, point.propagation, subpath=subpath
        )
    bind = point.spec.bind_options or BindOptions()
    _refuse_contradictions(bind, read_only=point.spec.read_only)
    return PreparedMount(
        source,
        point.destination,
        point.rw,
        point.propagation,
        propagation_by_default=not bind.propagation,
        non_recursive=bind.non_recursive,
        read_only_non_recursive=bind.read_only_non_recursive,
        read_only_force_recursive=bind.read_only_force_recursive,
    )


def _refuse_contradictions(options: BindOptions, *, read_only: bool) -> None:
    non_recursive = options.read_only_non_recursive
    force_recursive = options.read_only_force_recursive
    conflicts = (
        (
            not read_only and non_recursive,
            "!ReadOnly && BindOptions.ReadOnlyNonRecursive",
        ),
        (
            not read_only and force_recursive,
            "!ReadOnly && BindOptions.ReadOnlyForceRecursive",
        ),
        (
            non_recursive and force_recursive,
            "ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive",
        ),
    )
    for conflict, text in conflicts:
        if conflict:
            raise RunnerError(f"mount options conflict: {text}")
