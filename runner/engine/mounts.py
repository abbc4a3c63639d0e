"""What is mounted in a container besides its root filesystem (moby daemon/volumes*.go,
container_operations_unix.go setupContainerDirs)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.mounted import temporary_mount, unmount_all_in_thread
from runner.engine import image_mounts, rootfs
from runner.engine.references import joinable
from runner.linux.mount import MS, mount
from runner.types.errors import Conflict, System
from runner.types.modes import IpcMode
from runner.volume import (
    anonymous_volumes,
    create_anonymous_volumes,
    locate_mounts,
    populate_volumes,
    register_mount_points,
    release_mount_points,
    restore_mount_points,
    setup_mounts,
    setup_working_directory,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AsyncExitStack
    from pathlib import Path

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.volume import MountPoint, Prepared, PreparedMount


async def create(
    engine: Engine, container: Container, undo: AsyncExitStack, *, read_only_non_recursive: bool
) -> None:
    """Mount points, anonymous volumes with the image's content, images, the working directory.

    The root filesystem is mounted for it, unless there is nothing to do in it.
    Source: moby registerMountPoints, createContainerOSSpecificSettings.
    """
    record = container.record
    # before a volume is made
    images = await image_mounts.find(engine, record.host_config)

    def mount_points_of(reference: str) -> Mapping[str, MountPoint]:
        return engine.containers.get(reference).record.mount_points

    record.mount_points = await register_mount_points(
        engine.volumes,
        container.id,
        record.host_config,
        mount_points_of,
        daemon_root=engine.config.data_root,
        read_only_non_recursive=read_only_non_recursive,
    )
    undo.push_async_callback(_release, engine, container)
    await image_mounts.create(engine, container, images, undo)
    working_dir = record.config.working_dir
    if not record.mount_points and not record.config.volumes and working_dir in ("", "/"):
        return
    layers = await rootfs.layer_mounts(engine, container)
    async with temporary_mount(layers, engine.config.rootfs_dir) as root:
        await setup_working_directory(root, working_dir)
        record.mount_points |= await create_anonymous_volumes(
            engine.volumes,
            container.id,
            root,
            record.config.volumes or {},
            record.host_config,
            record.mount_points,
        )
        await populate_volumes(engine.volumes, container.id, root, record.mount_points)


async def _release(engine: Engine, container: Container) -> None:
    points = container.record.mount_points
    await release_mount_points(engine.volumes, container.id, points, remove=True)


async def prepare(engine: Engine, container: Container) -> Prepared:
    """Make what the container's mounts need on the host (moby setupMounts).

    Emits a `mount` event for each volume. The result is released once the task has been created.
    """
    with trace.step("daemon.setupMounts", container=container.id):
        await _setup_ipc(engine, container)
        record = container.record
        await image_mounts.mount(engine, container)
        prepared = await setup_mounts(
            engine.volumes,
            container.id,
            record.mount_points,
            record.host_config,
            temporary=container.runtime_dir,
        )
    _log_mounts(engine, container)
    return prepared


@asynccontextmanager
async def looked_into(
    engine: Engine, container: Container, holder: str
) -> AsyncIterator[list[PreparedMount]]:
    """The container's mounts for somebody else than its run, whose volumes `holder` holds to the
    end (moby setupMounts, UnmountVolumes). Emits `mount` and `unmount` events for volumes."""
    record = container.record
    await image_mounts.mount(engine, container)
    try:
        located = await locate_mounts(
            engine.volumes, holder, record.mount_points, record.host_config
        )
        _log_mounts(engine, container)
        try:
            yield located
        finally:
            log_unmounts(engine, container)
    finally:
        await engine.volumes.unmount_held(holder)


def _log_mounts(engine: Engine, container: Container) -> None:
    """The `mount` events of the container's volumes."""
    for point in _volumes(container):
        _log_volume(
            engine,
            point,
            "mount",
            {
                "container": container.id,
                "destination": point.destination,
                "read/write": str(point.rw).lower(),
                "propagation": point.propagation,
            },
        )


def log_unmounts(engine: Engine, container: Container) -> None:
    """The `unmount` events of the container's volumes (moby UnmountVolumes)."""
    for point in _volumes(container):
        _log_volume(engine, point, "unmount", {"container": container.id})


def _volumes(container: Container) -> list[MountPoint]:
    return [point for point in container.record.mount_points.values() if point.type == "volume"]


def _log_volume(engine: Engine, point: MountPoint, action: str, attributes: dict[str, str]) -> None:
    described = {"driver": point.driver, **attributes}
    engine.events.publish("volume", action, point.name, described)


def shm_path(engine: Engine, container_id: str) -> Path:
    """Where /dev/shm of a shareable IPC namespace is mounted on the host."""
    return engine.config.containers_dir / container_id / "mounts" / "shm"


def shm_source(engine: Engine, container: Container) -> str:
    """The host path to mount as /dev/shm, empty when the container has one of its own."""
    mode = IpcMode(container.host_config.ipc_mode)
    if mode.is_container:
        return str(shm_path(engine, _ipc_container(engine, mode.container).id))
    if mode.is_shareable:
        return str(shm_path(engine, container.id))
    return "/dev/shm" if mode.is_host else ""  # noqa: S108 the host's, which was asked for


async def _setup_ipc(engine: Engine, container: Container) -> None:
    """A shareable IPC namespace's /dev/shm lives on the host, so that others can join it."""
    if not IpcMode(container.host_config.ipc_mode).is_shareable:
        return
    path = shm_path(engine, container.id)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    size = container.host_config.shm_size or engine.config.default_shm_size
    flags = MS.NOEXEC | MS.NOSUID | MS.NODEV
    try:
        mount("shm", str(path), "tmpfs", flags, f"mode=1777,size={size}")
    except OSError as err:
        raise System(f"mounting shm tmpfs: {err}") from err


def _ipc_container(engine: Engine, reference: str) -> Container:
    """The container whose IPC namespace is joined (moby getIPCContainer)."""
    what = f"cannot join IPC of container: {reference}"
    container = joinable(engine, reference, "failed to join IPC namespace")
    if not shm_path(engine, container.id).exists():
        raise Conflict(
            f"{what}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
        )
    return container


async def unmount_ipc(engine: Engine, container_id: str) -> None:
    """Give back the shareable /dev/shm. Idempotent."""
    path = shm_path(engine, container_id)
    if path.exists():
        await unmount_all_in_thread(path)
        path.rmdir()


async def unmount_volumes(engine: Engine, container_id: str) -> None:
    """Let go of the volumes that the container's run has held. Idempotent."""
    await engine.volumes.unmount_held(container_id)


async def restore(engine: Engine, container: Container, *, running: bool) -> None:
    """Hold the container's volumes again after a restart of the engine."""
    points = container.record.mount_points
    await restore_mount_points(engine.volumes, container.id, points, running=running)


def volumes_to_remove(container: Container) -> list[str]:
    """The anonymous volumes, which `rm -v` and auto-remove take along."""
    return anonymous_volumes(container.record.mount_points)


def anonymous_destinations(container: Container) -> set[str]:
    """Where these are in the container."""
    points = container.record.mount_points
    return {destination for destination, point in points.items() if point.is_anonymous}


def release_references(engine: Engine, container: Container) -> None:
    """The removed container no longer keeps its volumes from being removed."""
    for point in _volumes(container):
        engine.volumes.release(point.name, container.id)


def retire_volumes(engine: Engine, names: list[str]) -> None:
    """The volumes that go with the container are gone for its clients as soon as itself is."""
    for name in names:
        engine.volumes.retire(name)
