"""A container's layer made an image's (moby daemon/containerd/image_commit.go)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from runner.containerd.images import Image as Record
from runner.containerd.mount import read_only
from runner.image import digest as digests
from runner.image import documents, lookup, mediatypes, records
from runner.image import platform as platforms
from runner.image.ingest import ingest_image
from runner.trace import step
from runner.types import times
from runner.types.errors import DataLoss, RunnerError
from runner.types.image import (
    MEDIA_TYPE_OCI_LAYER_GZIP,
    Descriptor,
    History,
    ImageConfig,
    ImageRunConfig,
    RootFS,
)

if TYPE_CHECKING:
    from runner.image.store import ImageStore

_EMPTY_TAR: Final = digests.of(bytes(1024))
"""The diff ID of a layer without anything in it."""

_FROM_SCRATCH: Final = "org.mobyproject.image.fromscratch"


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to become an image.

    `container_id` names the writable snapshot, `parent` the manifest of the image that it was made
    from, `parent_id` that image. `command` is what the container runs, for the history.
    """

    container_id: str
    snapshotter: str
    parent: Descriptor | None
    parent_id: str
    config: ImageRunConfig
    command: list[str]
    author: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The blob of what the container has written."""

    descriptor: Descriptor
    diff_id: str


async def commit_image(store: ImageStore, commit: Commit) -> str:
    """Make the image, without a name; its ID (moby CommitImage).

    It is unpacked: containers of it start at once. Raises NotFound when the parent's content is
    gone, System.
    """
    async with store.containerd.leases.hold() as lease:
        base, base_layers = await _base(store, commit.parent, lease.id)
        try:
            layer = await _create_diff(store, commit)
        except RunnerError as err:
            raise err.wrap("failed to export layer") from err
        layers = [*base_layers, layer.descriptor] if layer else base_layers
        config = msgspec.json.encode(_image_config(base, layer, commit))
        target = await ingest_image(store.content, config, layers)
        with step("image.apply_diff", container=commit.container_id):
            parsed = documents.parse_config(config)
            await store.unpacker.unpack(digests.of(config), parsed, layers)
        record = Record(lookup.dangling_name(target.digest), target, _labels(commit.parent_id))
        await records.create_or_replace(store.images, record)
    return target.digest


async def _base(
    store: ImageStore, parent: Descriptor | None, lease_id: str
) -> tuple[ImageConfig, list[Descriptor]]:
    """The parent's config and layers, which the lease keeps from now on."""
    if parent is None:
        return ImageConfig(), []
    await store.keep(lease_id, parent)
    manifest = await store.documents.manifest(parent.digest)
    config, _ = await store.documents.config(manifest.config.digest)
    return config, manifest.layers


async def _create_diff(store: ImageStore, commit: Commit) -> _Layer | None:
    """What the container has written, as a layer; None when that is nothing (moby createDiff)."""
    snapshots = store.containerd.snapshots(commit.snapshotter)
    with step("image.create_diff", container=commit.container_id):
        upper = await snapshots.mounts(commit.container_id)
        async with snapshots.parent_view(commit.container_id) as lower:
            made = await store.containerd.diff.diff(
                read_only(lower),
                read_only(upper),
                media_type=MEDIA_TYPE_OCI_LAYER_GZIP,
                ref=f"commit-{secrets.token_hex(16)}",
            )
    info = await store.content.info(made.digest)
    diff_id = info.labels.get(mediatypes.LABEL_UNCOMPRESSED, "")
    if not diff_id:
        raise DataLoss("invalid differ response with no diffID")
    if diff_id == _EMPTY_TAR:
        return None
    return _Layer(Descriptor(MEDIA_TYPE_OCI_LAYER_GZIP, made.digest, info.size), diff_id)


def _image_config(base: ImageConfig, layer: _Layer | None, commit: Commit) -> ImageConfig:
    """moby generateCommitImageConfig: of the platform only what is here."""
    host = platforms.host_platform()
    now = times.now()
    author = commit.author or base.author
    done = History(
        created=now,
        created_by=" ".join(commit.command),
        author=author,
        comment=commit.comment,
        empty_layer=layer is None,
    )
    return ImageConfig(
        architecture=base.architecture or host.architecture,
        os=base.os or host.os,
        created=now,
        author=author,
        config=commit.config,
        rootfs=RootFS(diff_ids=[*base.rootfs.diff_ids, *([layer.diff_id] if layer else [])]),
        history=[*base.history, done],
    )


def _labels(parent_id: str) -> dict[str, str]:
    """What moby knows the image's parent by."""
    scratch = {} if parent_id else {_FROM_SCRATCH: "1"}
    return {mediatypes.LABEL_PARENT: parent_id, **scratch}
