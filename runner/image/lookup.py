"""From what the user typed to an image record (moby daemon/containerd/image.go).

A digest is looked up among the targets, a name under its full form, and hexadecimal digits that
are no name among the targets' beginnings. An image's ID is its target's digest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tenacity

from runner.image import reference as references
from runner.image.reference import AnyReference, DigestReference, Reference
from runner.types.errors import InvalidParameter, NotFound, RunnerError

if TYPE_CHECKING:
    from runner.containerd.images import Image as Record
    from runner.containerd.images import Images

DANGLING_PREFIX = "moby-dangling@"
"""Names of images without a name; moby's, so that an image store can be shared with dockerd."""

_TRUNCATED_ID = re.compile(r"(?:sha256:)?([a-f0-9]{4,64})")


@dataclass(frozen=True, slots=True)
class References:
    """All names of one target, and the one that was asked for when it was asked for by name."""

    named: Record | None
    all: list[Record]


def no_such_image(reference: AnyReference) -> NotFound:
    """moby's ErrImageDoesNotExist."""
    if isinstance(reference, Reference):
        reference = reference.with_default_tag()
    return NotFound(f"No such image: {reference.familiar}")


def dangling_name(digest: str) -> str:
    """The name of an image record that has no other."""
    return DANGLING_PREFIX + digest


def is_dangling(record: Record) -> bool:
    """Whether the record only keeps its target, without a name of its own."""
    return record.name == dangling_name(record.target.digest)


def familiar_name(record: Record) -> str:
    """The record's name as Docker shows it; for one without name its ID (imageFamiliarName)."""
    if is_dangling(record):
        return record.target.digest
    reference = references.parse_canonical(record.name)
    return reference.familiar if reference else record.name


def truncated_id(text: str) -> str | None:
    """The digits of a short or full ID, None when the text cannot be one (checkTruncatedID)."""
    matched = _TRUNCATED_ID.fullmatch(text)
    return matched[1] if matched else None


async def resolve_image(images: Images, ref_or_id: str) -> Record:
    """The record that the reference or ID names (moby resolveImage).

    Raises InvalidParameter for what can be neither, NotFound, also for `ambiguous reference`.
    """
    parsed = references.parse_any(ref_or_id)
    if parsed.digest is not None:
        return _choose_digested(parsed, await _with_target(images, parsed.digest))
    assert isinstance(parsed, Reference)
    name = str(parsed.with_default_tag())
    try:
        return await images.get(name)
    except NotFound:
        pass
    digits = truncated_id(ref_or_id)
    if digits is None:
        raise no_such_image(parsed)
    return _choose_by_id(parsed, name, await images.list(_name_is(name), _id_begins(digits)))


def _choose_digested(parsed: AnyReference, records: list[Record]) -> Record:
    """Any record for a bare digest; `busybox@sha256:…` must not find another repository."""
    for record in records:
        if isinstance(parsed, DigestReference):
            return record
        reference = _parse_leniently(record.name)
        if reference is not None and reference.name == parsed.name:
            return record
    raise no_such_image(parsed)


def _choose_by_id(parsed: Reference, name: str, records: list[Record]) -> Record:
    if not records:
        raise no_such_image(parsed)
    for record in records:
        if record.name == name:
            return record
    if len({record.target.digest for record in records}) > 1:
        raise NotFound("ambiguous reference")
    return records[0]


class _Inconsistent(RunnerError):
    """Records changed between two look-ups."""


async def resolve_all_references(images: Images, ref_or_id: str) -> References:
    """The record with all others of its target (moby resolveAllReferences).

    Raises InvalidParameter, NotFound.
    """
    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(_Inconsistent),
        stop=tenacity.stop_after_attempt(4),
        reraise=True,
    )
    return await retrying(_resolve_all_once, images, ref_or_id)


async def _resolve_all_once(images: Images, ref_or_id: str) -> References:
    parsed = references.parse_any(ref_or_id)
    digits = truncated_id(ref_or_id)
    if digits is not None and isinstance(parsed, Reference):
        found = await _resolve_truncated(images, parsed, digits)
        if found.named is None or len(found.all) > 1:
            return found
        named: Record | None = found.named
    elif isinstance(parsed, DigestReference):
        named = await _get(images, parsed.digest) if digits is not None else None
    else:
        named = await _get(images, str(parsed.with_default_tag()))
        if named is None and parsed.digest is None:
            raise no_such_image(parsed)
    digest = named.target.digest if named else parsed.digest
    assert digest is not None
    return _consistent(parsed, named, await _with_target(images, digest))


async def _resolve_truncated(images: Images, parsed: Reference, digits: str) -> References:
    """A text that may be a name or the beginning of an ID."""
    name = str(parsed.with_default_tag())
    records = await images.list(_name_is(name), _id_begins(digits))
    if not records:
        raise no_such_image(parsed)
    if len({record.target.digest for record in records}) > 1:
        raise NotFound("ambiguous reference")
    return References(next((r for r in records if r.name == name), None), records)


def _consistent(parsed: AnyReference, named: Record | None, records: list[Record]) -> References:
    if named is None and not records:
        raise no_such_image(parsed)
    if named is not None and all(record.name != named.name for record in records):
        raise _Inconsistent("consistency error: data changed during operation, retry")
    return References(named, records)


async def _get(images: Images, name: str) -> Record | None:
    try:
        return await images.get(name)
    except NotFound:
        return None


async def _with_target(images: Images, digest: str) -> list[Record]:
    return await images.list(f"target.digest=={digest}")


def _name_is(name: str) -> str:
    return f'name=="{name}"'


def _id_begins(digits: str) -> str:
    return f'target.digest~="^sha256:{digits}[0-9a-fA-F]{{{64 - len(digits)}}}$"'


def _parse_leniently(name: str) -> Reference | None:
    """Other clients of the store may have given any name."""
    try:
        return references.parse(name)
    except InvalidParameter:
        return None
