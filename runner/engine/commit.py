"""Making an image of a container (moby daemon/commit.go)."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine import images
from runner.engine.attempt import attempt
from runner.engine.export import verify_not_going
from runner.engine.pause import container_pause, container_unpause
from runner.image.changes import apply_changes
from runner.image.commit import Commit, commit_image
from runner.oci.merge import merge
from runner.types.errors import RunnerError
from runner.types.image import ImageRunConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.image.reference import Reference
    from runner.types.container import Config


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What a client wants of the image. `config` replaces the container's, to which `changes` are
    applied, Dockerfile instructions."""

    reference: Reference | None = None
    author: str = ""
    comment: str = ""
    config: Config | None = None
    changes: tuple[str, ...] = ()
    pause: bool = True


async def create_image_from_container(
    engine: Engine, reference: str, request: CommitRequest
) -> str:
    """Make the container's layer an image's; its ID (moby CreateImageFromContainer).

    Emits `create` and `tag` of the image, `commit` of the container, and around them `pause` and
    `unpause`. Raises NotFound, Conflict while it is being removed, InvalidParameter for changes.
    """
    began = time.monotonic()
    container = engine.containers.get(reference)
    verify_not_going(container, "commit")
    with trace.step("daemon.CreateImageFromContainer", container=container.id):
        async with _paused(engine, container, wanted=request.pause):
            image_id = await _commit(engine, container, request)
    engine.metrics.action("commit", time.monotonic() - began)
    return image_id


@asynccontextmanager
async def _paused(engine: Engine, container: Container, *, wanted: bool) -> AsyncIterator[None]:
    """Frozen meanwhile, if that is wanted and possible: one that does not run needs it not."""
    paused = False
    if wanted and not container.state.paused:
        try:
            await container_pause(engine, container.id)
            paused = True
        except RunnerError:
            pass
    try:
        yield
    finally:
        if paused:
            await attempt(container_unpause(engine, container.id), "unpause after a commit")


async def _commit(engine: Engine, container: Container, request: CommitRequest) -> str:
    record = container.record
    own = _run_config(record.config)
    wanted = _run_config(request.config) if request.config is not None else own
    config = merge(apply_changes(wanted, list(request.changes)), own)
    image_id = await commit_image(
        engine.images,
        Commit(
            container_id=container.id,
            snapshotter=record.driver,
            parent=record.image_manifest,
            parent_id=record.image_id,
            config=_compact(config),
            command=record.config.cmd or [],
            author=request.author,
            comment=request.comment,
        ),
    )
    engine.events.publish("image", "create", image_id, {"name": image_id})
    if request.reference is not None:
        await images.image_tag(engine, image_id, request.reference)
    attributes = {
        "comment": request.comment,
        "imageID": image_id,
        "imageRef": request.reference.familiar if request.reference else "",
    }
    engine.events.log_container(container, "commit", attributes)
    return image_id


def _run_config(config: Config) -> ImageRunConfig:
    """The part of a container's configuration that an image has too."""
    names = ImageRunConfig.__struct_fields__
    return ImageRunConfig(**{name: getattr(config, name) for name in names})


def _compact(config: ImageRunConfig) -> ImageRunConfig:
    """What is empty is left out (moby containerConfigToDockerOCIImageConfig)."""
    values = msgspec.structs.asdict(config)
    return ImageRunConfig(**{name: value for name, value in values.items() if value})
