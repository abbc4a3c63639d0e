"""What the engine keeps on disk: `system df` (moby daemon/disk_usage.go).

Counting walks trees of files. Whoever asks for what is just being counted gets that count.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from runner.engine import list as listing
from runner.engine.images import image_list
from runner.engine.sizes import Sizes
from runner.engine.volumes import volumes_usage
from runner.image.store import EVERY_IMAGE
from runner.types.errors import InvalidParameter
from runner.types.system import DiskUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from runner.engine.engine import Engine
    from runner.types.container import Summary
    from runner.types.image import ImageSummary

    Background = Callable[[Coroutine[Any, Any, Any], str], asyncio.Task[Any]]

T = TypeVar("T")
log = logging.getLogger(__name__)


class SingleFlight:
    """Work that is done once for all who want it while it is under way."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._under_way: dict[str, asyncio.Task[Any]] = {}

    async def do(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work, or join those who do. The result is shared: it must not be changed."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = self._background(work(), f"count {key}")
            task.add_done_callback(lambda _: self._under_way.pop(key))
        result: T = await asyncio.shield(task)
        return result


async def system_disk_usage(
    engine: Engine, *, containers: bool, images: bool, volumes: bool
) -> DiskUsage:
    """What there is of these, and how large it is (moby SystemDiskUsage).

    What is not asked for is None. The parts must not be changed.
    """

    async def part(
        wanted: bool, key: str, count: Callable[[Engine], Coroutine[Any, Any, T]]
    ) -> T | None:
        return await engine.counting.do(key, lambda: count(engine)) if wanted else None

    layers, *_ = parts = await asyncio.gather(
        part(images, "layers", _layers),
        part(images, "images", _images),
        part(containers, "containers", _containers),
        part(volumes, "volumes", volumes_usage),
    )
    return DiskUsage(layers or 0, *parts[1:])


async def _layers(engine: Engine) -> int:
    """Bytes of all snapshots, and of all blobs that images have (moby ImageDiskUsage)."""
    images = engine.images
    names = [info.name async for info in images.snapshots.list()]
    total = await Sizes(engine).of_snapshots(images.snapshots, names)
    blobs: dict[str, int] = {}
    for record in await images.images.list():
        try:
            async for blob in images.documents.walk_present(record.target):
                blobs[blob.digest] = blob.size
        except InvalidParameter as err:
            log.warning("cannot read all of %s: %s", record.name, err)
    return total + sum(blobs.values())


async def _images(engine: Engine) -> list[ImageSummary]:
    return await image_list(engine, EVERY_IMAGE, shared_size=True)


async def _containers(engine: Engine) -> list[Summary]:
    found = await listing.containers(engine, listing.ListOptions(all=True, size=True))
    for summary in found:
        summary.image_manifest_descriptor = None
    return found
