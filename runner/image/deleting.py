"""Deleting images (moby image_delete.go).

An image's ID takes the image with all its names; a name takes the name, and the image with it when
it was the last. Containers that use the image stand against that, stopped ones unless forced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.image import digest as digests
from runner.image import lookup, records
from runner.image import reference as references
from runner.types.errors import Conflict, InvalidParameter
from runner.types.image import ImageDeleteItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.containerd.images import Image as Record
    from runner.image.lookup import References
    from runner.image.reference import Reference
    from runner.image.store import ImageStore


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


@dataclass(frozen=True, slots=True)
class _Deletion:
    """One deletion. `names_conflict` says that several names stand against it."""

    store: ImageStore
    usage: Usage
    force: bool
    names_conflict: bool

    async def run(self, ref_or_id: str, found: References) -> list[ImageDeleteItem]:
        """moby ImageDelete."""
        image_id = found.all[0].target.digest
        if found.named is None:
            return await self._by_id_or_digest(ref_or_id, image_id, found.all)
        if _is_id_prefix(image_id, ref_or_id) or _is_dangling_name(ref_or_id, found.named):
            return await self._delete_all(image_id, found.all)
        return await self._by_name(image_id, found.named, found.all)

    async def _by_id_or_digest(
        self, ref_or_id: str, image_id: str, records_: list[Record]
    ) -> list[ImageDeleteItem]:
        named = None if _is_id_prefix(image_id, ref_or_id) else _parse(ref_or_id)
        same = _same_references(named, records_)
        if not same and named is not None:
            raise lookup.no_such_image(named)
        if named is not None and len(same) != len(records_):
            return await self._untag(same)
        return await self._without_name_conflict(len(same) == len(records_))._delete_all(
            image_id, records_
        )

    async def _by_name(
        self, image_id: str, named: Record, records_: list[Record]
    ) -> list[ImageDeleteItem]:
        reference = references.parse(named.name)
        same = _same_references(reference, records_)
        if len(same) != len(records_):
            return await self._untag(same)
        if (container := self.usage.any(image_id)) is not None:
            if not self.force:
                raise _conflict(
                    reference.familiar,
                    f"container {digests.short(container)} is using its referenced image "
                    f"{digests.short(image_id)}",
                )
            return await self._orphan(named, records_, reference)
        deletion = self._without_name_conflict(len(records_) > 1)
        return await deletion._delete_all(image_id, records_)

    def _without_name_conflict(self, so: bool) -> _Deletion:
        return _Deletion(self.store, self.usage, self.force, self.names_conflict and not so)

    async def _orphan(
        self, named: Record, records_: list[Record], reference: Reference
    ) -> list[ImageDeleteItem]:
        """Take the name from an image in use, which stays (softImageDelete)."""
        if len(records_) == 1:
            await records.ensure_dangling(self.store.images, named)
        await records.delete_if_there(self.store.images, named.name)
        return [ImageDeleteItem(untagged=reference.familiar)]

    async def _untag(self, same: Sequence[Record]) -> list[ImageDeleteItem]:
        """Take some of the image's names (untagReferences)."""
        for record in same:
            await self.store.images.delete(record.name)
        parsed = [_parse(record.name) for record in same]
        return [ImageDeleteItem(untagged=name.familiar) for name in parsed if name is not None]

    async def _delete_all(self, image_id: str, records_: list[Record]) -> list[ImageDeleteItem]:
        """All names and the image (deleteAll)."""
        items: list[ImageDeleteItem] = []
        for record in records_:
            self._check(image_id, records_)
            # Waiting for the collector, so that the space is free when the answer comes.
            await self.store.images.delete(record.name, sync=True)
            if not lookup.is_dangling(record):
                items.append(ImageDeleteItem(untagged=lookup.familiar_name(record)))
        return [*items, ImageDeleteItem(deleted=image_id)]

    def _check(self, image_id: str, records_: list[Record]) -> None:
        """What stands against the deletion (checkImageDeleteConflict)."""
        short = digests.short(image_id)
        if (container := self.usage.running(image_id)) is not None:
            message = f"image is being used by running container {digests.short(container)}"
            raise _conflict(short, message, hard=True)
        if not self.force and (container := self.usage.stopped(image_id)) is not None:
            message = f"image is being used by stopped container {digests.short(container)}"
            raise _conflict(short, message)
        if self.names_conflict and len(records_) > 1:
            raise _conflict(short, "image is referenced in multiple repositories")


async def delete(
    store: ImageStore, ref_or_id: str, usage: Usage, *, force: bool = False
) -> list[ImageDeleteItem]:
    """Delete as `docker rmi` does; what was untagged and deleted, in order.

    Raises NotFound, InvalidParameter, and Conflict with moby's texts.
    """
    found = await store.resolve_all(ref_or_id)
    deletion = _Deletion(store, usage, force=force, names_conflict=not force)
    return await deletion.run(ref_or_id, found)


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
