"""Copying out of and into containers (moby daemon/archive.go, archive_unix.go)."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import trace
from runner.engine import containerfs
from runner.files.messages import Pack, Place, Stat, Unpack
from runner.files.service import FileMissing
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.files.messages import PathStat
    from runner.files.service import Work


@dataclass(frozen=True, slots=True)
class Archive:
    """What is at a path, and a tar of it."""

    stat: PathStat
    chunks: AsyncGenerator[bytes, None]


async def container_stat_path(engine: Engine, reference: str, path: str) -> PathStat:
    """What is at the path in the container (moby ContainerStatPath).

    Raises NotFound for the container and for the file, System.
    """
    container = engine.containers.get(reference)
    with _missing_is(path, reference):
        async with (
            containerfs.opened(engine, container, reference) as view,
            engine.files.start(Stat(view, path)) as work,
        ):
            return await work.stat()


@asynccontextmanager
async def container_archive_path(
    engine: Engine, reference: str, path: str
) -> AsyncIterator[Archive]:
    """What is at the path, as a tar; the container is locked until the end (moby
    ContainerArchivePath). Emits `archive-path`. Raises NotFound, System."""
    container = engine.containers.get(reference)
    with (
        trace.step("daemon.containerArchivePath", container=container.id),
        _missing_is(path, reference),
    ):
        async with (
            containerfs.opened(engine, container, reference) as view,
            engine.files.start(Pack(view, path)) as work,
        ):
            stat = await work.stat()
            engine.events.log_container(container, "archive-path")
            yield Archive(stat, _chunks(work))


async def _chunks(work: Work) -> AsyncGenerator[bytes, None]:
    while chunk := await work.read():
        yield chunk
    await work.finish()


async def container_extract_to_dir(
    engine: Engine,
    reference: str,
    path: str,
    content: AsyncIterator[bytes],
    *,
    copy_uid_gid: bool = False,
    no_overwrite_dir_non_dir: bool = False,
) -> None:
    """Unpack a tar, compressed or not, into a directory of the container (moby
    ContainerExtractToDir).

    With `copy_uid_gid` everything is the container's user's. Emits `extract-to-dir`. Raises
    NotFound, InvalidParameter where nothing may be written or there is no directory, System for
    archives that are damaged or lead out of the directory.
    """
    container = engine.containers.get(reference)
    with (
        trace.step("daemon.containerExtractToDir", container=container.id),
        _missing_is(path, reference),
    ):
        async with containerfs.opened(engine, container, reference) as view:
            job = Unpack(
                view,
                path,
                user=container.config.user or None if copy_uid_gid else None,
                keep_kinds=no_overwrite_dir_non_dir,
                read_only=tuple(_places(container)),
            )
            async with engine.files.start(job) as work:
                await _send(work, content)
                await work.finish()
            engine.events.log_container(container, "extract-to-dir")


async def _send(work: Work, content: AsyncIterator[bytes]) -> None:
    """All of it, or as much as is wanted."""
    async for chunk in content:
        if not await work.write(chunk):
            break
    work.end_data()


def _places(container: Container) -> Iterator[Place]:
    """Where nothing may be written, and where it may after all (moby checkWritablePath)."""
    if container.host_config.readonly_rootfs:
        yield Place("/", "container rootfs is marked read-only")
    for point in container.record.mount_points.values():
        yield Place(point.destination, "" if point.rw else "mounted volume is marked read-only")


@contextmanager
def _missing_is(path: str, reference: str) -> Iterator[None]:
    """Whatever was missing, to the client it is the file (moby containerFileNotFound)."""
    try:
        yield
    except FileMissing as err:
        raise NotFound(f"Could not find the file {path} in container {reference}") from err
