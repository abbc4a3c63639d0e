"""What inspect shows of an image (moby image_inspect.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runner.image import lookup, mediatypes, times
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.manifests import platform_not_found
from runner.image.summary import Summarizer, no_containers
from runner.types.errors import NotFound
from runner.types.image import (
    Descriptor,
    GraphDriverData,
    ImageConfig,
    ImageInspect,
    ImageMetadata,
    ImageRunConfig,
    Platform,
    RootFSInspect,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.containerd.images import Image as Record
    from runner.image.manifests import Documents
    from runner.image.platform import Matcher
    from runner.image.store import ImageStore
    from runner.image.summary import ContainersOf

_ALWAYS_SHOWN: dict[str, Any] = {
    "Cmd": None,
    "Entrypoint": None,
    "Env": None,
    "Labels": None,
    "OnBuild": None,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}
"""Fields that API 1.50 and later show even when unset (moby inspect_response.go)."""


async def inspect(
    store: ImageStore,
    ref_or_id: str,
    platform: Platform | None,
    *,
    manifests: bool = False,
    containers_of: ContainersOf = no_containers,
) -> ImageInspect:
    """Moby's ImageInspect, in the shape of API 1.50 and later."""
    record = await store.resolve(ref_or_id)
    tagged = await store.images.list(f"target.digest=={record.target.digest}")
    matcher = platforms.requested_or_default(platform)
    summarizer = Summarizer(store.documents, store.snapshots, containers_of)
    summary = await summarizer.summarize(record.target, matcher)
    if summary.best is None and platform is not None:
        raise platform_not_found(ref_or_id, platform)
    chosen = summary.best.descriptor if summary.best and platform else record.target
    tags, repo_digests = tags_and_digests(tagged)
    shown = ImageInspect(
        id=chosen.digest,
        repo_tags=tags,
        repo_digests=repo_digests,
        parent=_parent(tagged),
        graph_driver=GraphDriverData(name=store.snapshotter),
        size=await packed_size(store.documents, record.target, matcher),
        metadata=ImageMetadata(_last_tagged(tagged)),
        config=shown_config(ImageRunConfig()),
        descriptor=chosen,
        manifests=summary.manifests if manifests else [],
    )
    if summary.best is not None:
        config, _ = await store.documents.config(summary.best.manifest.config.digest)
        _add_config(shown, config)
    return shown


def _add_config(shown: ImageInspect, config: ImageConfig) -> None:
    shown.author = config.author
    shown.config = shown_config(config.config)
    shown.architecture = config.architecture
    shown.variant = config.variant
    shown.os = config.os
    shown.os_version = config.os_version
    shown.root_fs = RootFSInspect(config.rootfs.type, config.rootfs.diff_ids)
    if config.history:
        shown.comment = config.history[-1].comment
    if config.created is not None:
        shown.created = times.parse(config.created).shown


def shown_config(config: ImageRunConfig) -> dict[str, Any]:
    """The config's fields that are set, with those that are always shown."""
    return _ALWAYS_SHOWN | _set_members(msgspec.to_builtins(config))


def _set_members(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _set_members(value) if name == "Healthcheck" else value
        for name, value in members.items()
        if value
    }


def tags_and_digests(tagged: Iterable[Record]) -> tuple[list[str], list[str]]:
    """RepoTags and RepoDigests of the records of one target (collectRepoTagsAndDigests)."""
    tags: dict[str, None] = {}
    repo_digests: dict[str, None] = {}
    for record in tagged:
        if lookup.is_dangling(record):
            continue
        reference = references.parse_canonical(record.name)
        if reference is None:
            tags[record.name] = None
            continue
        tags[reference.familiar] = None
        if reference.digest is None:
            reference = reference.trimmed().with_digest(record.target.digest)
        repo_digests[reference.familiar] = None
    return list(tags), list(repo_digests)


def _parent(tagged: Iterable[Record]) -> str:
    """The image that it was committed upon, if any of its records tells."""
    return next(filter(None, (mediatypes.parent_of(record.labels) for record in tagged)), "")


def _last_tagged(tagged: Iterable[Record]) -> str:
    latest = max((record.updated_at for record in tagged), default=None)
    if latest is None:
        raise NotFound("consistency error: data changed during operation, retry")
    return times.from_datetime(latest)


async def packed_size(documents: Documents, target: Descriptor, matcher: Matcher) -> int:
    """Bytes of the blobs of the one platform that fits best (moby ImageService.size)."""
    try:
        children = await documents.children(target)
    except NotFound:
        return target.size
    if children and mediatypes.is_index(target.media_type):
        children = [min(children, key=matcher.order)]
    return target.size + sum([await packed_size(documents, c, matcher) for c in children])
