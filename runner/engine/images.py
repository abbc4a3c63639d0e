"""Image verbs: `runner.image` with the engine's events around it (moby daemon/containerd)."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from runner.image import archive, deleting, pruning, pull, push, reference
from runner.image import platform as platforms
from runner.image.history import image_history as history_of
from runner.image.import_ import import_image
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.image.events import Tell
    from runner.image.listing import ImageFilters
    from runner.image.progress import Progress
    from runner.image.registry.credentials import Credentials
    from runner.image.store import Image
    from runner.image.summary import ContainersOf
    from runner.types.image import (
        HistoryItem,
        ImageDeleteItem,
        ImageInspect,
        ImagePruneReport,
        ImageSummary,
        Platform,
    )


def platform_warnings(image: Image) -> list[str]:
    """What to say of an image for another platform that was not asked for by name."""
    if platforms.default().match(image.platform):
        return []
    warning = (
        f"The requested image's platform ({platforms.format_all(image.platform)}) does not match"
        f" the detected host platform ({platforms.format_all(platforms.host_platform())})"
        " and no specific platform was requested"
    )
    return [warning]


async def image_pull(
    engine: Engine,
    ref: reference.Reference,
    platform: Platform | None,
    credentials: Credentials | None,
    progress: Progress,
) -> None:
    """Pull the image, or all tags of a bare name (moby PullImage). Emits `pull` for each."""
    began = time.monotonic()
    await pull.pull(
        engine.images,
        ref,
        platform=platform,
        credentials=credentials,
        progress=progress,
        report=partial(_log, engine),
    )
    engine.metrics.image_action("pull", time.monotonic() - began)


async def image_push(
    engine: Engine,
    ref: reference.Reference,
    platform: Platform | None,
    credentials: Credentials | None,
    progress: Progress,
) -> None:
    """Push the image, or all tags of a bare name (moby PushImage). Emits `push`."""
    began = time.monotonic()
    await push.push(
        engine.images,
        ref,
        platform=platform,
        credentials=credentials,
        progress=progress,
        report=partial(_log, engine),
    )
    engine.metrics.image_action("push", time.monotonic() - began)


async def image_load(
    engine: Engine,
    stream: AsyncIterator[bytes],
    platform: Platform | None,
    progress: Progress,
) -> None:
    """Load an archive (moby LoadImage). Emits `load` for each image."""
    loaded = await archive.load(
        engine.images,
        stream,
        platform=platform,
        progress=progress,
        spool_dir=engine.config.spool_dir,
    )
    for image_id in loaded:
        await _log(engine, "load", image_id, image_id)


async def image_import(
    engine: Engine,
    stream: AsyncIterator[bytes],
    ref: reference.Reference | None,
    changes: list[str],
    message: str,
    platform: Platform | None,
) -> str:
    """Make an image of a root filesystem's tar; its ID (moby ImportImage). Emits `import`."""
    image_id = await import_image(
        engine.images,
        stream,
        reference=ref,
        changes=changes,
        message=message,
        platform=platform,
    )
    await _log(engine, "import", image_id, image_id)
    return image_id


async def image_list(
    engine: Engine,
    filters: ImageFilters,
    *,
    intermediate: bool = False,
    manifests: bool = False,
    shared_size: bool = False,
) -> list[ImageSummary]:
    """The images, newest first (moby Images)."""
    return await engine.images.list(
        filters,
        intermediate=intermediate,
        manifests=manifests,
        shared_size=shared_size,
        containers_of=_containers_of(engine),
    )


async def image_inspect(
    engine: Engine, name: str, platform: Platform | None, *, manifests: bool = False
) -> ImageInspect:
    """Everything about the image (moby ImageInspect). Raises NotFound."""
    return await engine.images.inspect(
        name, platform, manifests=manifests, containers_of=_containers_of(engine)
    )


async def image_history(engine: Engine, name: str, platform: Platform | None) -> list[HistoryItem]:
    """How the image came about (moby ImageHistory). Raises NotFound."""
    began = time.monotonic()
    found = await history_of(engine.images, name, platform)
    engine.metrics.image_action("history", time.monotonic() - began)
    return found


async def image_tag(engine: Engine, name: str, target: reference.Reference) -> None:
    """Give the image another name (moby TagImage). Emits `tag`."""
    image_id = await engine.images.tag(name, target)
    await _log(engine, "tag", image_id, target.familiar)


async def image_delete(
    engine: Engine, name: str, options: deleting.DeleteOptions
) -> list[ImageDeleteItem]:
    """Take a name, or the image (moby ImageDelete). Emits `untag` and `delete`.

    Raises NotFound, Conflict.
    """
    began = time.monotonic()
    items = await deleting.delete(engine.images, name, _Usage(engine), options, _teller(engine))
    engine.metrics.image_action("delete", time.monotonic() - began)
    return items


async def images_prune(
    engine: Engine, filters: ImageFilters, *, dangling_only: bool
) -> ImagePruneReport:
    """Remove images that no container uses (moby ImagesPrune). Emits `untag` and `delete`.

    Raises Conflict while another prune goes on.
    """
    with engine.pruning.exclusive("images"):
        return await pruning.prune(
            engine.images,
            filters,
            [pruning.Use(c.record.image_id, c.config.image) for c in engine.containers],
            dangling_only=dangling_only,
            tell=_teller(engine),
        )


def image_saving(
    engine: Engine, names: Sequence[str], platform: Platform | None
) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
    """The images in an archive (moby ExportImage). Emits `save` for each."""
    return archive.saving(engine.images, names, platform, partial(_log, engine))


class _Usage:
    """Which containers stand against an image's deletion."""

    def __init__(self, engine: Engine) -> None:
        self._containers = engine.containers

    def running(self, image_id: str) -> str | None:
        return next((c.id for c in self._made_from(image_id) if c.state.running), None)

    def stopped(self, image_id: str) -> str | None:
        return next((c.id for c in self._made_from(image_id) if not c.state.running), None)

    def any(self, image_id: str) -> str | None:
        mounting = (c for c in self._containers if _mounts_image(c, image_id))
        return next((c.id for c in (*self._made_from(image_id), *mounting)), None)

    def _made_from(self, image_id: str) -> Iterator[Container]:
        return (c for c in self._containers if c.record.image_id == image_id)


def _mounts_image(container: Container, image_id: str) -> bool:
    points = container.record.mount_points.values()
    return any(point.is_image and point.spec.source == image_id for point in points)


def _teller(engine: Engine) -> Tell:
    """For events without the image's labels (moby logImageEvent)."""

    def tell(action: str, image_id: str, name: str) -> None:
        engine.events.publish("image", action, image_id, {"name": name})

    return tell


async def _log(engine: Engine, action: str, image_id: str, name: str) -> None:
    """An event with the image's labels, as long as the image is there (moby LogImageEvent)."""
    try:
        labels = (await engine.images.get(image_id)).config.config.labels or {}
    except RunnerError:
        labels = {}
    engine.events.publish("image", action, image_id, {**labels, "name": name})


def _containers_of(engine: Engine) -> ContainersOf:
    """Which containers are made from a manifest, by its digest."""
    made: dict[str, list[str]] = {}
    for container in engine.containers:
        if manifest := container.record.image_manifest:
            made.setdefault(manifest.digest, []).append(container.id)
    return lambda digest: made.get(digest, ())
