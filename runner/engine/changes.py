"""What a container has changed of its image's files (moby daemon/changes.go)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner import trace
from runner.containerd.mount import read_only, upper_directory
from runner.engine import rootfs
from runner.files.messages import Compare
from runner.types.container import FilesystemChange

if TYPE_CHECKING:
    from runner.engine.engine import Engine


async def container_changes(engine: Engine, reference: str) -> list[FilesystemChange]:
    """The changes, directories before what is in them (moby ContainerChanges).

    Volumes are no part of it, but their mount points are. Raises NotFound, System.
    """
    began = time.monotonic()
    container = engine.containers.get(reference)
    snapshots = engine.containerd.snapshots(container.record.driver)
    with trace.step("daemon.ContainerChanges", container=container.id):
        new = await rootfs.layer_mounts(engine, container)
        async with (
            engine.containerd.leases.hold(),
            snapshots.parent_view(container.id) as old,
        ):
            job = Compare(
                tuple(read_only(old)),
                tuple(read_only(new)),
                upper=upper_directory(new[0]),
                scratch=str(engine.config.rootfs_dir),
            )
            async with engine.files.start(job) as work:
                data = bytearray()
                while chunk := await work.read():
                    data += chunk
                await work.finish()
    engine.metrics.action("changes", time.monotonic() - began)
    return [_change(line) for line in bytes(data).split(b"\0")[:-1]]


def _change(line: bytes) -> FilesystemChange:
    return FilesystemChange(path=line[1:].decode("utf-8", "replace"), kind=line[0] - ord("0"))
