"""A container's start: mount points become paths on the host (moby setupMounts, Setup)."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.linux.libc import error_text
from runner.linux.threads import to_end
from runner.types.container import BindOptions
from runner.types.errors import RunnerError, System
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
    """

    source: str
    destination: str
    writable: bool
    propagation: str
    propagation_by_default: bool = False
    non_recursive: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False


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

    Subpaths of volumes are pinned by temporary mounts below the directory `temporary`, so that
    nobody can exchange them for links meanwhile. On failure those are gone again; the volumes are
    for the caller to release (`unmount_held`). Raises NotFound, System, RunnerError.
    """
    prepared = Prepared()
    covered = tmpfs_mounts(host_config, points)
    try:
        for destination, point in points.items():
            if destination not in covered:
                source = await _source(store, container_id, point, prepared, temporary)
                prepared.mounts.append(_prepare(point, source))
    except BaseException:
        await prepared.release()
        raise
    prepared.mounts.sort(key=lambda each: os.path.normpath(each.destination).count("/"))
    return prepared


async def _source(
    store: VolumeStore, container_id: str, point: MountPoint, prepared: Prepared, temporary: Path
) -> str:
    if point.is_volume:
        try:
            path = await store.mount(point.name, container_id)
        except System as err:
            raise err.wrap(f"error while mounting volume '{point.source}'") from err
        subpath = point.spec.volume_options.subpath if point.spec.volume_options else ""
        if subpath:
            pinned = temporary / f"subpath-{len(prepared._temporary)}"
            prepared._temporary.append(pinned)
            await to_end(pin, path, subpath, pinned)
            return str(pinned)
        return str(path)
    if point.create_source:
        await to_end(_make_source, Path(point.source))
    return point.source


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
        return PreparedMount(source, point.destination, point.rw, point.propagation)
    options = point.spec.bind_options or BindOptions()
    _refuse_contradictions(options, read_only=point.spec.read_only)
    return PreparedMount(
        source,
        point.destination,
        point.rw,
        point.propagation,
        propagation_by_default=not options.propagation,
        non_recursive=options.non_recursive,
        read_only_non_recursive=options.read_only_non_recursive,
        read_only_force_recursive=options.read_only_force_recursive,
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
