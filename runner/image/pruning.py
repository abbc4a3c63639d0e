"""Removing images that nobody uses (moby image_prune.go)."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.image import lookup
from runner.image import reference as references
from runner.image.documents import is_document
from runner.image.events import nobody
from runner.image.listing import ImageFilters, passing
from runner.image.pull import PULL_LEASE_LABEL
from runner.types.errors import InvalidParameter, NotFound
from runner.types.image import ImageDeleteItem, ImagePruneReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.containerd.images import Image as Record
    from runner.image.events import Tell
    from runner.image.store import ImageStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Use:
    """A container's image: its ID, and the name that was asked for."""

    image_id: str
    asked: str


async def prune(
    store: ImageStore,
    filters: ImageFilters,
    uses: Iterable[Use],
    *,
    dangling_only: bool = True,
    tell: Tell = nobody,
) -> ImagePruneReport:
    """Remove names that no container uses, and with the last name the image (moby ImagesPrune).

    What broken-off pulls have left goes too. Raises NotFound for an image that a filter names.
    """
    await _prune_leases(store)
    every = await store.images.list()
    chosen = {
        record.name: record
        for record in await passing(store, every, filters)
        if not dangling_only or lookup.is_dangling(record)
    }
    _spare_used(chosen, every, list(uses))
    report = ImagePruneReport()
    for _, record in sorted(chosen.items()):
        await _prune_one(store, record, report, tell)
    return report


async def _prune_leases(store: ImageStore) -> None:
    """Only of pulls that are over: those under way need what their leases hold."""
    leases = store.containerd.leases
    for lease in await leases.list(f'labels."{PULL_LEASE_LABEL}"'):
        if not leases.is_held(lease.id):
            with contextlib.suppress(NotFound):
                await leases.delete(lease.id, sync=True)


def _spare_used(chosen: dict[str, Record], every: list[Record], uses: list[Use]) -> None:
    """Keep what containers use: the name they were made from, or else the image's last name
    (pruneUnused)."""
    used = _spare_names(chosen, uses)
    names_left = Counter(record.target.digest for record in every)
    for name, record in sorted(chosen.items()):
        digest = record.target.digest
        if names_left[digest] > 1:
            names_left[digest] -= 1
        elif digest in used:
            del chosen[name]


def _spare_names(chosen: dict[str, Record], uses: list[Use]) -> set[str]:
    """The images that are used by their ID or digest (filterImagesUsedByContainers)."""
    used: set[str] = set()
    for use in uses:
        chosen.pop(lookup.dangling_name(use.image_id), None)
        asked_id = f"sha256:{use.asked.removeprefix('sha256:')}"
        if use.image_id.startswith(asked_id) or use.asked.endswith(f"@{use.image_id}"):
            used.add(use.image_id)
        for name in _names(use.asked):
            chosen.pop(name, None)
    return used


def _names(asked: str) -> list[str]:
    """The record's name, and for a name with tag and digest also that without digest."""
    try:
        reference = references.parse(asked).with_default_tag()
    except InvalidParameter:
        return []
    if reference.tag is None or reference.digest is None:
        return [str(reference)]
    return [str(reference), str(reference.trimmed().with_tag(reference.tag))]


async def _prune_one(
    store: ImageStore, record: Record, report: ImagePruneReport, tell: Tell
) -> None:
    blobs = [blob async for blob in store.documents.walk_present(record.target)]
    try:
        await store.images.delete(record.name, sync=True)
    except NotFound:
        return  # somebody else was faster
    name, image_id = lookup.familiar_name(record), record.target.digest
    tell("untag", image_id, name)
    gone = [blob for blob in blobs if not await store.documents.has(blob.digest)]
    documents = [blob for blob in gone if is_document(blob.media_type)]
    images = [ImageDeleteItem(deleted=blob.digest) for blob in documents]
    untagged = ImageDeleteItem(untagged=name)
    report.images_deleted = [*(report.images_deleted or ()), untagged, *images]
    report.space_reclaimed += sum(blob.size for blob in gone)
    if images:
        tell("delete", image_id, name)
