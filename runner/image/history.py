"""How an image came about (moby image_history.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.image import digest as digests
from runner.image import lookup, mediatypes, times
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.manifests import best_present, platform_not_found
from runner.image.summary import Summarizer, no_containers
from runner.types.errors import RunnerError
from runner.types.image import HistoryItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.containerd.images import Image as Record
    from runner.image.store import ImageStore
    from runner.types.image import History, ImageConfig, Platform


async def image_history(
    store: ImageStore, ref_or_id: str, platform: Platform | None
) -> list[HistoryItem]:
    """The steps of the image's making, the last first (moby ImageHistory). Raises NotFound."""
    record = await store.resolve(ref_or_id)
    matcher = platforms.only(platform) if platform else platforms.requested_or_default(None)
    best = await best_present(store.documents, record.target, matcher)
    if best is None:
        raise platform_not_found(lookup.familiar_name(record), platform)
    config, _ = await store.documents.config(best.manifest.config.digest)
    items = _items(config.history, await _layer_sizes(store, config))
    await _add_names(store, items, record)
    return items


async def _layer_sizes(store: ImageStore, config: ImageConfig) -> list[int]:
    """Bytes of each unpacked layer, the base first; 0 for one that is not unpacked."""
    summarizer = Summarizer(store.documents, store.snapshots, no_containers)
    chain_ids = digests.chain_ids(config.rootfs.diff_ids)
    return [await summarizer.usage(chain_id) for chain_id in chain_ids]


def _items(steps: Sequence[History], sizes: Sequence[int]) -> list[HistoryItem]:
    if sum(not step.empty_layer for step in steps) > len(sizes):
        raise RunnerError("unable to find the size of the layer")
    layers = iter(sizes)
    return [_item(step, 0 if step.empty_layer else next(layers)) for step in steps][::-1]


def _item(step: History, size: int) -> HistoryItem:
    created = times.parse(step.created).seconds if step.created is not None else 0
    return HistoryItem(comment=step.comment, created=created, created_by=step.created_by, size=size)


async def _add_names(store: ImageStore, items: Sequence[HistoryItem], image: Record) -> None:
    """The image is the last step, and the images that it was made from the ones before."""
    current: Record | None = image
    for item in items:
        if current is None:
            return
        item.id = current.target.digest
        item.tags = await _tags(store, current) or None
        current = await _parent(store, current)


async def _tags(store: ImageStore, image: Record) -> list[str]:
    named = await store.images.list(f"target.digest=={image.target.digest}")
    parsed = [references.parse_canonical(r.name) for r in named if not lookup.is_dangling(r)]
    return [reference.familiar for reference in parsed if reference is not None]


async def _parent(store: ImageStore, image: Record) -> Record | None:
    """moby getParentsByBuilderLabel; one that was itself made from another goes first."""
    parent = mediatypes.parent_of(image.labels)
    if not digests.is_digest(parent):
        return None
    found = await store.images.list(f"target.digest=={parent}")
    made = [record for record in found if mediatypes.parent_of(record.labels)]
    return next(iter(made[-1:] or found[:1]), None)
