"""Image records: giving, moving and taking names (moby image_tag.go, soft_delete.go).

A target that loses its last name is kept under a dangling one, as `docker images` shows it.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import tenacity

from runner.image import lookup, mediatypes
from runner.types.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from runner.containerd.images import Image as Record
    from runner.containerd.images import Images

_ATTEMPTS = 10
_NAME_LABELS = frozenset({mediatypes.ANNOTATION_IMAGE_NAME, mediatypes.ANNOTATION_REF_NAME})


async def create_or_replace(images: Images, record: Record) -> None:
    """Give the record its name, whoever had it (createOrReplaceImage).

    A target that loses its last name by this becomes dangling; the new one ceases to be.
    """
    try:
        await images.create(record)
    except AlreadyExists:
        if not await _free_name(images, record):
            return
        await images.create(record)
    if not lookup.is_dangling(record):
        await delete_if_there(images, lookup.dangling_name(record.target.digest))


async def _free_name(images: Images, record: Record) -> bool:
    """Take the name from its present target; False when that is the wanted one already."""
    try:
        present = await images.get(record.name)
    except NotFound:
        return True
    if present.target.digest == record.target.digest:
        return False
    others = await images.list(f"target.digest=={present.target.digest}")
    if len(others) == 1:
        await ensure_dangling(images, present)
    await delete_if_there(images, present.name)
    return True


async def take_name(images: Images, record: Record) -> None:
    """Give the record its name; what has it now is kept as dangling, from before it loses it."""
    try:
        present = await images.get(record.name)
    except NotFound:
        pass
    else:
        if present.target.digest != record.target.digest:
            await ensure_dangling(images, present)
    await _put(images, record)


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(NotFound),  # deleted between the two
    stop=tenacity.stop_after_attempt(_ATTEMPTS),
    reraise=True,
)
async def _put(images: Images, record: Record) -> None:
    """Create the record or point the existing one at the new target (client createNewImage)."""
    try:
        await images.create(record)
    except AlreadyExists:
        await images.update(record)


async def ensure_dangling(images: Images, record: Record) -> None:
    """Keep the record's target under the dangling name (ensureDanglingImage). Idempotent."""
    labels = {key: value for key, value in record.labels.items() if key not in _NAME_LABELS}
    name = lookup.dangling_name(record.target.digest)
    with contextlib.suppress(AlreadyExists):
        await images.create(replace(record, name=name, labels=labels))


async def delete_if_there(images: Images, name: str) -> None:
    """Delete the record; it is as well when it is gone."""
    with contextlib.suppress(NotFound):
        await images.delete(name)
