"""An OCI bundle of a container, for a runtime without an engine (an endpoint of our own).

A tar stream with `config.json`, `rootfs/` and the three generated network files. Anonymous volumes
are directories in it: what they were filled with is in the root filesystem, too.
"""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
from contextlib import AsyncExitStack, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.containerd.mounted import temporary_mount
from runner.engine import mounts, networking, rootfs, spec
from runner.linux.rooted import open_in_root, opened_root
from runner.linux.threads import to_end
from runner.oci.bundle import CONFIG, ROOTFS, create_bundle
from runner.types.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner.engine.container import Container
    from runner.engine.engine import Engine

_DATA_FILES = frozenset({CONFIG, "hosts", "hostname", "resolv.conf"})
_CHUNK = 256 * 1024


async def container_bundle(engine: Engine, reference: str) -> AsyncGenerator[bytes, None]:
    """The bundle of a container that does not run, as a tar.

    Raises NotFound, Conflict while the container runs.
    """
    container = engine.containers.get(reference)
    _check_at_rest(container, reference)
    return _stream(engine, container, reference)


def _check_at_rest(container: Container, reference: str) -> None:
    if container.removed:
        raise NotFound(f"No such container: {reference}")
    if container.state.running:
        raise Conflict(f"container {container.id} is running: its root filesystem is in use")


async def _stream(
    engine: Engine, container: Container, reference: str
) -> AsyncGenerator[bytes, None]:
    async with container.lock, AsyncExitStack() as stack:
        _check_at_rest(container, reference)
        await container.finish_teardown()
        layers = await rootfs.layer_mounts(engine, container)
        root = await stack.enter_async_context(temporary_mount(layers, engine.config.rootfs_dir))
        prepared = await mounts.prepare(engine, container)
        stack.push_async_callback(prepared.release)
        anonymous = mounts.anonymous_destinations(container)
        prepared.mounts = [each for each in prepared.mounts if each.destination not in anonymous]
        networking.write_bundle_files(container)
        request = spec.bundle_request(engine, container, prepared, root)
        made = create_bundle(request, engine.host)
        files = {name: path.read_bytes() for name, path in made.files.items()}
        async for chunk in _tar({CONFIG: made.config, **files}, root, anonymous):
            yield chunk


async def _tar(
    files: dict[str, bytes], root: Path, directories: set[str]
) -> AsyncGenerator[bytes, None]:
    """Written by a thread into a pipe: reading a tree blocks, and a client may be slow."""
    read_end, write_end = os.pipe()
    writer = asyncio.create_task(asyncio.to_thread(_write_tar, write_end, files, root, directories))
    source = os.fdopen(read_end, "rb", buffering=0)
    try:
        while chunk := await to_end(source.read, _CHUNK):
            yield chunk
        await writer
    finally:
        source.close()  # the writer, if it still writes, ends with a broken pipe
        with suppress(BrokenPipeError):
            await writer


def _write_tar(descriptor: int, files: dict[str, bytes], root: Path, directories: set[str]) -> None:
    with (
        open(descriptor, "wb") as pipe,
        tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644 if name in _DATA_FILES else 0o755
            tar.addfile(entry, io.BytesIO(content))
        tar.add(root, ROOTFS)
        for path in _missing(root, directories):
            entry = tarfile.TarInfo(f"{ROOTFS}{path}")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)


def _missing(root: Path, directories: set[str]) -> list[str]:
    """Those that the root has not, and what is above them, from the top down."""
    wanted = {PurePosixPath(directory) for directory in directories}
    wanted |= {parent for directory in wanted for parent in directory.parents}
    with opened_root(root) as descriptor:
        return [str(path) for path in sorted(wanted) if not _has(descriptor, str(path))]


def _has(root: int, path: str) -> bool:
    try:
        os.close(open_in_root(root, path, os.O_PATH))
    except OSError:
        return False
    return True
