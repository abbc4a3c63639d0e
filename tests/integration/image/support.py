"""What the tests of images share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.image import archive
from runner.image.reference import parse
from tests.support.images import Blobs, Entry, file, layer_tar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runner.containerd.client import Containerd
    from runner.image.store import ImageStore
    from runner.types.image import ProgressMessage
    from tests.support.images import Descriptor, Image
    from tests.support.registry import Registry


async def in_pieces(data: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def load(store: ImageStore, data: bytes, tmp_path: Path, **options: Any) -> list[str]:
    """Load an archive; the lines told."""
    told: list[ProgressMessage] = []
    await archive.load(store, in_pieces(data), spool_dir=tmp_path, progress=told.append, **options)
    assert list(tmp_path.iterdir()) == []
    return [line.stream for line in told]


def push(registry: Registry, repository: str, tag: str, image: Image) -> str:
    """Put an image into the registry; its reference there."""
    blobs = Blobs()
    target = image.add_to(blobs)
    registry.push(repository, tag, blobs, target)
    return f"{registry.address}/{repository}:{tag}"


def oci_layout(blobs: Blobs, *manifests: Descriptor, extra: tuple[Entry, ...] = ()) -> bytes:
    """An OCI layout with just these entries in its index."""
    index = {"schemaVersion": 2, "manifests": list(manifests)}
    entries = [
        file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
        file("index.json", json.dumps(index)),
        *(file(f"blobs/{name.replace(':', '/')}", data) for name, data in blobs.items()),
        *extra,
    ]
    return layer_tar(entries)


def named(target: Descriptor, name: str) -> Descriptor:
    """The descriptor with the name that an archive's index gives."""
    return target | {"annotations": {"io.containerd.image.name": str(parse(name))}}


async def everything(client: Containerd) -> tuple[list[str], list[str], list[str], list[str]]:
    """Names, blobs, snapshots and ingests after the garbage collector has run."""
    lease = await client.leases.create()
    await client.leases.delete(lease.id, sync=True)
    return (
        [record.name for record in await client.images.list()],
        [info.digest async for info in client.content.list()],
        [info.name async for info in client.snapshots("overlayfs").list()],
        [status.ref for status in await client.content.list_statuses()],
    )


NOTHING: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
