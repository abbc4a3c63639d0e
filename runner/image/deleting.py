"""Deleting images (moby image_delete.go).

An image's ID takes the image with all its names; a name takes the name, and the image with it when
it was the last. Containers that use the image stand against that, stopped ones unless forced.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.image import digest as digests
from runner.image import documents, lookup, mediatypes, records
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.events import nobody
from runner.image.manifests import best_present, platform_not_found
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError
from runner.types.image import ImageDeleteItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.containerd.images import Image as Record
    from runner.image.events import Tell
    from runner.image.lookup import References
    from runner.image.reference import Reference
    from runner.image.store import ImageStore
    from runner.types.image import Descriptor, Platform

log = logging.getLogger(__name__)


class Usage(Protocol):
    """What the engine knows of the containers that use an image, by container ID."""

    def running(self, image_id: str) -> str | None:
        """A running container made from the image."""
        ...

    def stopped(self, image_id: str) -> str | None:
        """A container made from the image that does not run."""
        ...

    def any(self, image_id: str) -> str | None:
        """A container made from the image or with the image mounted."""
        ...


class _Against(enum.Flag):
    """What can stand against a deletion (conflictType)."""

    RUNNING = enum.auto()
    NAMES = enum.auto()
    STOPPED = enum.auto()
    HARD = RUNNING
    SOFT = NAMES | STOPPED


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete. With `platforms` only the manifests for these go, and the names stay."""

    force: bool = False
    prune_parents: bool = True
    platforms: tuple[Platform, ...] = ()


DEFAULT = DeleteOptions()


async def delete(
    store: ImageStore,
    ref_or_id: str,
    usage: Usage,
    options: DeleteOptions = DEFAULT,
    tell: Tell = nobody,
) -> list[ImageDeleteItem]:
    """Delete as `docker rmi` does; what was untagged and deleted, in order.

    Raises NotFound, InvalidParameter, and Conflict with moby's texts.
    """
    if options.platforms and not options.force:
        raise InvalidParameter(
            "Content will be removed from all images referencing this variant. "
            "Use —-force to force delete."
        )
    found = await store.resolve_all(ref_or_id)
    against = _Against.HARD if options.force else _Against.HARD | _Against.SOFT
    deletion = _Deletion(store, usage, options, tell, found, against)
    await deletion.run(ref_or_id)
    return deletion.items


@dataclass(slots=True)
class _Deletion:
    """One deletion; `against` is what is looked for that stands against it."""

    store: ImageStore
    usage: Usage
    options: DeleteOptions
    tell: Tell
    found: References
    against: _Against
    items: list[ImageDeleteItem] = field(default_factory=list)

    @property
    def image_id(self) -> str:
        return self.found.all[0].target.digest

    async def run(self, ref_or_id: str) -> None:
        """moby ImageDelete."""
        named = self.found.named
        if self.options.platforms:
            await self._delete_platforms()
        elif named is None:
            await self._by_id_or_digest(ref_or_id)
        elif _is_id_prefix(self.image_id, ref_or_id) or _is_dangling_name(ref_or_id, named):
            await self._delete_all()
        else:
            await self._by_name(named)

    async def _by_id_or_digest(self, ref_or_id: str) -> None:
        named = None if _is_id_prefix(self.image_id, ref_or_id) else _parse(ref_or_id)
        same = _same_references(named, self.found.all)
        if not same and named is not None:
            raise lookup.no_such_image(named)
        if named is not None and len(same) != len(self.found.all):
            await self._untag(same)
            return
        if len(same) == len(self.found.all):
            self.against &= ~_Against.NAMES
        await self._delete_all()

    async def _by_name(self, named: Record) -> None:
        reference = references.parse(named.name)
        same = _same_references(reference, self.found.all)
        if len(same) != len(self.found.all):
            await self._untag(same)
            return
        if (container := self.usage.any(self.image_id)) is not None:
            if not self.options.force:
                raise _conflict(
                    reference.familiar,
                    f"container {digests.short(container)} is using its referenced image "
                    f"{digests.short(self.image_id)}",
                )
            await self._orphan(named)
            return
        if len(self.found.all) > 1:
            self.against &= ~_Against.NAMES
        await self._delete_all()

    async def _orphan(self, named: Record) -> None:
        """Take the name from an image in use, which stays (softImageDelete)."""
        if len(self.found.all) == 1:
            await records.ensure_dangling(self.store.images, named)
        await records.delete_if_there(self.store.images, named.name)
        self._untagged(named)

    async def _untag(self, same: Sequence[Record]) -> None:
        """Take some of the image's names (untagReferences)."""
        for record in same:
            await self.store.images.delete(record.name)
            if _parse(record.name) is not None:
                self._untagged(record)

    async def _delete_all(self) -> None:
        """All names and the image, then the nameless images it was made from (deleteAll)."""
        parents = await self._parents() if self.options.prune_parents else []
        for record in self.found.all:
            await self._delete_record(record)
        self._deleted(self.image_id)
        for parent in parents:
            if not lookup.is_dangling(parent) or not await self._delete_parent(parent):
                break

    async def _parents(self) -> list[Record]:
        """The images that this one was made from, the nearest first (moby parents)."""
        found: list[Record] = []
        try:
            child = await self.store.resolve(self.image_id)
            while parent := mediatypes.parent_of(child.labels):
                child = await self.store.resolve(parent)
                found.append(child)
        except RunnerError as err:
            log.warning("failed to get image parents: %s", err)
            return []
        return found

    async def _delete_parent(self, parent: Record) -> bool:
        """Quietly, unless something stands against it."""
        self.against = _Against.HARD | _Against.SOFT
        try:
            await self._delete_record(parent)
        except RunnerError as err:
            log.warning("failed to remove image parent: %s", err)
            return False
        self._deleted(parent.target.digest)
        return True

    async def _delete_record(self, record: Record) -> None:
        """moby imageDeleteHelper."""
        self._check(record.target.digest)
        if self._is_last_name(record) and await self.store.children(record.target.digest):
            await records.ensure_dangling(self.store.images, record)
        # Waiting for the collector, so that the space is free when the answer comes.
        await self.store.images.delete(record.name, sync=True)
        if not lookup.is_dangling(record):
            self._untagged(record)

    def _is_last_name(self, record: Record) -> bool:
        last = len(self.found.all) == 1 and not lookup.is_dangling(record)
        return last and _Against.NAMES in self.against

    async def _delete_platforms(self) -> None:
        """The manifests for some platforms, which other images may have too
        (deleteImagePlatforms)."""
        for platform in self.options.platforms:
            try:
                await self._delete_platform(self.found.named or self.found.all[0], platform)
            except RunnerError as err:
                shown = platforms.format_all(platform)
                prefix = f"failed to delete platform {shown} for image {self.image_id}"
                raise err.wrap(prefix) from err

    async def _delete_platform(self, record: Record, platform: Platform) -> None:
        matcher = platforms.only_strict(platform)
        best = await best_present(self.store.documents, record.target, matcher)
        if best is None:
            raise platform_not_found(lookup.familiar_name(record), None)
        present = [d async for d in self.store.documents.walk_present(best.descriptor)]
        for descriptor in present:
            await self._delete_blob(descriptor)

    async def _delete_blob(self, descriptor: Descriptor) -> None:
        try:
            await self.store.content.delete(descriptor.digest)
        except NotFound:
            return
        if documents.is_document(descriptor.media_type):
            self.items.append(ImageDeleteItem(deleted=descriptor.digest))

    def _untagged(self, record: Record) -> None:
        name = lookup.familiar_name(record)
        self.tell("untag", record.target.digest, name)
        self.items.append(ImageDeleteItem(untagged=name))

    def _deleted(self, image_id: str) -> None:
        self.tell("delete", image_id, image_id)
        self.items.append(ImageDeleteItem(deleted=image_id))

    def _check(self, image_id: str) -> None:
        """What stands against the deletion (checkImageDeleteConflict)."""
        short = digests.short(image_id)
        if (container := self.usage.running(image_id)) is not None:
            message = f"image is being used by running container {digests.short(container)}"
            raise _conflict(short, message, hard=True)
        if _Against.STOPPED in self.against and (container := self.usage.stopped(image_id)):
            message = f"image is being used by stopped container {digests.short(container)}"
            raise _conflict(short, message)
        if _Against.NAMES in self.against and len(self.found.all) > 1:
            raise _conflict(short, "image is referenced in multiple repositories")


def _conflict(reference: str, message: str, *, hard: bool = False) -> Conflict:
    forced = "cannot be forced" if hard else "must be forced"
    return Conflict(f"conflict: unable to delete {reference} ({forced}) - {message}")


def _is_id_prefix(image_id: str, text: str) -> bool:
    return image_id.startswith(text) or digests.encoded(image_id).startswith(text)


def _is_dangling_name(text: str, record: Record) -> bool:
    return text.startswith(lookup.DANGLING_PREFIX) and lookup.is_dangling(record)


def _parse(name: str) -> Reference | None:
    try:
        return references.parse(name)
    except InvalidParameter:
        return None


def _same_references(named: Reference | None, records_: Sequence[Record]) -> list[Record]:
    """The records that the reference means (moby getSameReferences).

    Those of its name and tag, and dangling ones; those with a digest in place of a tag too, unless
    the name has other tags.
    """
    tag = named.tag if named else None
    all_tags = named is not None and named.tag is None and named.digest is not None
    same: list[Record] = []
    by_digest: list[Record] | None = []
    for record in records_:
        reference = None if lookup.is_dangling(record) else references.parse_canonical(record.name)
        if reference is None:
            same.append(record)
            continue
        if named is None:
            named, tag = reference, reference.tag
        elif named.name != reference.name:
            continue
        elif not all_tags:
            if reference.tag is None:
                if by_digest is not None:
                    by_digest.append(record)
                continue
            if tag is None:
                tag = reference.tag
            elif tag != reference.tag:
                by_digest = None
                continue
        same.append(record)
    return same + (by_digest or [])
