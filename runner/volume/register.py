"""What a new container mounts: --volumes-from, --volume, --mount (moby daemon/volumes.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.types.container import BindOptions
from runner.types.errors import InvalidParameter, NotFound
from runner.types.gotext import quote
from runner.volume.local import DRIVER
from runner.volume.modes import is_read_write
from runner.volume.parser import parse_mount_raw, parse_mount_spec, parse_volumes_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner.types.container import HostConfig, Mount
    from runner.volume.mount_point import MountPoint
    from runner.volume.store import VolumeStore

    Others = Callable[[str], Mapping[str, MountPoint]]


async def register_mount_points(
    store: VolumeStore,
    container_id: str,
    host_config: HostConfig,
    others: Others,
    *,
    daemon_root: Path,
    read_only_non_recursive: bool = False,
) -> dict[str, MountPoint]:
    """The mount points by destination (moby registerMountPoints); volumes are made as needed.

    What comes later wins over --volumes-from; twice the same destination otherwise is an error.
    `others(name)` gives another container's mount points, and raises NotFound.
    `read_only_non_recursive` is for clients before API 1.44, which knew no recursive read-only.
    On failure the references taken are given back. Raises InvalidParameter, NotFound, Conflict,
    System, and RunnerError for malformed Binds.
    """
    request = _Request(store, container_id, host_config, daemon_root, read_only_non_recursive)
    try:
        await request.add_volumes_from(others)
        await request.add_binds()
        await request.add_mounts()
    except BaseException:
        request.release(keep=())
        raise
    request.release(keep=request.points.values())
    return request.points


class _Request:
    """The mount points of one container, growing."""

    def __init__(
        self,
        store: VolumeStore,
        container_id: str,
        host_config: HostConfig,
        daemon_root: Path,
        non_recursive: bool,
    ) -> None:
        self.points: dict[str, MountPoint] = {}
        self._store = store
        self._container_id = container_id
        self._host_config = host_config
        self._daemon_root = str(daemon_root)
        self._non_recursive = non_recursive
        self._referred: set[str] = set()
        self._taken: set[str] = set()

    async def add_volumes_from(self, others: Others) -> None:
        """Another container's mounts, its tmpfs too (which dockerd trips over)."""
        for spec in self._host_config.volumes_from or []:
            name, mode = parse_volumes_from(spec)
            try:
                points = others(name)
            except NotFound as err:
                raise InvalidParameter(err.message) from err
            for point in points.values():
                await self._inherit(point, mode)

    async def _inherit(self, point: MountPoint, mode: str) -> None:
        if point.is_volume:
            await self._store.get(point.name, point.driver, reference=self._container_id)
            self._referred.add(point.name)
        rw = point.rw and is_read_write(mode)
        self.points[point.destination] = replace(point, rw=rw, mode="", copy_data=False)

    async def add_binds(self) -> None:
        """`--volume`: a missing source is made."""
        for raw in self._host_config.binds or []:
            point = self._guarded(parse_mount_raw(raw, self._host_config.volume_driver))
            taken_by_tmpfs = point.destination in (self._host_config.tmpfs or {})
            await self._add(point, point.destination, taken_by_tmpfs)

    async def add_mounts(self) -> None:
        """`--mount`: a missing source is made only when that was asked for."""
        for spec in self._host_config.mounts or []:
            point = self._guarded(parse_mount_spec(spec))
            make = bool(spec.bind_options and spec.bind_options.create_mountpoint)
            await self._add(replace(point, create_source=make), spec.target)

    async def _add(self, point: MountPoint, shown: str, taken: bool = False) -> None:
        if taken or point.destination in self._taken:
            raise InvalidParameter(f"Duplicate mount point: {shown}")
        if point.is_volume:
            point = await self._with_volume(point)
        elif point.type == "bind" and not point.rw and self._non_recursive:
            point = replace(point, spec=_non_recursive(point.spec))
        self._taken.add(point.destination)
        self.points[point.destination] = point

    async def _with_volume(self, point: MountPoint) -> MountPoint:
        options = point.spec.volume_options
        volume = await self._store.create(
            point.name,
            point.driver,
            reference=self._container_id,
            options=options.driver_config.options if options and options.driver_config else None,
            labels=options.labels if options else None,
        )
        self._referred.add(volume.name)
        # Without a mode a local volume gets SELinux's shared label (setBindModeIfNull).
        mode = point.mode or ("z" if volume.driver == DRIVER else "")
        return replace(
            point,
            name=volume.name,
            driver=volume.driver,
            source=str(volume.mountpoint),
            mode=mode,
        )

    def _guarded(self, point: MountPoint) -> MountPoint:
        """A bind of the engine's own directory must let unmounts through, lest the container keep
        other containers' filesystems alive (moby validateBindDaemonRoot)."""
        source, root = point.spec.source, self._daemon_root
        if point.type != "bind" or not (source.startswith(root) or root.startswith(source)):
            return point
        propagation = point.spec.bind_options.propagation if point.spec.bind_options else ""
        if propagation not in ("", "rslave", "rshared"):
            raise InvalidParameter(
                'invalid mount config: must use either propagation mode "rslave" or "rshared" when '
                f"mount source is within the daemon root, daemon root: {quote(root)}, "
                f"bind mount source: {quote(source)}, propagation: {quote(propagation)}"
            )
        return point if propagation else replace(point, propagation="rslave")

    def release(self, keep: Iterable[MountPoint]) -> None:
        """Give back the references to volumes that no mount point uses in the end."""
        kept = {point.name for point in keep}
        for name in self._referred - kept:
            self._store.release(name, self._container_id)


def _non_recursive(spec: Mount) -> Mount:
    options = replace(spec.bind_options or BindOptions(), read_only_non_recursive=True)
    return replace(spec, bind_options=options)


async def restore_mount_points(
    store: VolumeStore, container_id: str, points: Mapping[str, MountPoint], *, running: bool
) -> None:
    """Refer to the container's volumes again after the engine's restart (prepareMountPoints)."""
    for point in points.values():
        if point.is_volume:
            store.restore(point.name, container_id, mounted=running)


def anonymous_volumes(points: Mapping[str, MountPoint]) -> list[str]:
    """The volumes that go with the container on `rm -v`: those that nobody named."""
    return sorted({point.name for point in points.values() if point.is_anonymous})
