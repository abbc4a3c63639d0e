"""Image verbs: `runner.image` with the engine's events around it (moby daemon/containerd)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.image import archive, pull, reference
from runner.image import platform as platforms
from runner.image.import_ import import_image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.engine.engine import Engine
    from runner.image.listing import ImageFilters
    from runner.image.progress import Progress
    from runner.image.registry.credentials import Credentials
    from runner.image.store import Image
    from runner.image.summary import ContainersOf
    from runner.types.image import ImageInspect, ImageSummary, Platform


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
    """Pull the image, or all tags of a bare name (moby PullImage). Emits `pull`."""
    began = time.monotonic()
    await pull.pull(
        engine.images, ref, platform=platform, credentials=credentials, progress=progress
    )
    engine.metrics.image_action("pull", time.monotonic() - began)
    _log(engine, "pull", ref.familiar, ref.familiar_name)


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
        _log(engine, "load", image_id, image_id)


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
    _log(engine, "import", image_id, image_id)
    return image_id


async def image_list(
    engine: Engine,
    filters: ImageFilters,
    *,
    intermediate: bool,
    manifests: bool,
    shared_size: bool,
) -> list[ImageSummary]:
    """The images, newest first (moby Images)."""
    return await engine.images.list(
        filters,
        intermediate=intermediate,
        manifests=manifests,
        shared_size=shared_size,
        containers_of=_containers_of(engine),
    )


async def image_inspect(engine: Engine, name: str, platform: Platform | None) -> ImageInspect:
    """Everything about the image (moby ImageInspect). Raises NotFound."""
    return await engine.images.inspect(name, platform)


async def image_tag(engine: Engine, name: str, target: reference.Reference) -> None:
    """Give the image another name (moby TagImage). Emits `tag`."""
    image_id = await engine.images.tag(name, target)
    _log(engine, "tag", image_id, target.familiar)


def _log(engine: Engine, action: str, image_id: str, name: str) -> None:
    engine.events.publish("image", action, image_id, {"name": name})


def _containers_of(engine: Engine) -> ContainersOf:
    """Which containers are made from a manifest, by its digest."""
    made: dict[str, list[str]] = {}
    for container in engine.containers:
        if manifest := container.record.image_manifest:
            made.setdefault(manifest.digest, []).append(container.id)
    return lambda digest: made.get(digest, ())
