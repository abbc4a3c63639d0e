"""The list of images (moby image_list.go)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.image import lookup, mediatypes, times
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.summary import Summarizer, Summary, no_containers
from runner.types.errors import InvalidParameter, NotFound
from runner.types.image import ImageSummary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.containerd.images import Image as Record
    from runner.image.store import ImageStore
    from runner.image.summary import ContainersOf
    from runner.types.image import ImageConfig


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """`key`, `key=value`, or their opposites."""

    key: str
    value: str | None = None
    negate: bool = False

    @classmethod
    def parse(cls, text: str, *, negate: bool = False) -> LabelFilter:
        """A value of the filters `label` and (negated) `label!`; `key!=value` negates once more."""
        key, equals, value = text.partition("=")
        if key.endswith("!"):
            key, negate = key.removesuffix("!"), not negate
        return cls(key, value if equals else None, negate)

    def matches(self, labels: dict[str, str]) -> bool:
        """As moby: a label that is absent has no value that could differ."""
        if self.value is None:
            return (self.key in labels) != self.negate
        return self.key in labels and (labels[self.key] == self.value) != self.negate


@dataclass(frozen=True, slots=True)
class ImageFilters:
    """Which images to list. All must hold; of `references` (shell patterns) one.

    `until` is in Unix seconds and means the time of tagging; `before` and `since` name images.
    """

    dangling: bool | None = None
    labels: tuple[LabelFilter, ...] = ()
    references: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
    until: float | None = None


@dataclass(slots=True)
class _Entry:
    """The names of one target."""

    record: Record
    tags: list[str] = field(default_factory=list)


async def list_images(
    store: ImageStore,
    filters: ImageFilters,
    *,
    intermediate: bool = False,
    manifests: bool = False,
    shared_size: bool = False,
    containers_of: ContainersOf = no_containers,
) -> list[ImageSummary]:
    """One item for each target, the newest first (moby Images).

    With `intermediate` also those without a name that others were committed upon. Raises NotFound
    for an image that a filter names and InvalidParameter for a bad name there.
    """
    every = await store.images.list()
    shown = every if intermediate else _without_intermediate(every)
    entries: dict[str, _Entry] = {}
    for record in await passing(store, shown, filters):
        _enter(entries, record)
    summarizer = Summarizer(store.documents, store.snapshots, containers_of)
    matcher = platforms.requested_or_default(None)
    items: list[tuple[ImageSummary, Summary]] = []
    for entry in entries.values():
        summary = await summarizer.summarize(entry.record.target, matcher)
        item = await _item(store, entry, summary)
        item.manifests = summary.manifests if manifests else []
        items.append((item, summary))
    if shared_size:
        await _add_shared_sizes(items, summarizer)
    return sorted((item for item, _ in items), key=lambda item: item.created, reverse=True)


def _without_intermediate(every: list[Record]) -> list[Record]:
    parents = {mediatypes.parent_of(record.labels) for record in every}
    return [r for r in every if not (lookup.is_dangling(r) and r.target.digest in parents)]


async def passing(
    store: ImageStore, candidates: list[Record], filters: ImageFilters
) -> list[Record]:
    """The records that the filters let pass.

    Raises NotFound for an image that a filter names and InvalidParameter for a bad name there.
    """
    bounds = await _bounds(store, filters)
    return [r for r in candidates if await _passes(store, r, filters, bounds)]


def _enter(entries: dict[str, _Entry], record: Record) -> None:
    entry = entries.setdefault(record.target.digest, _Entry(record))
    if lookup.is_dangling(record):
        return
    entry.record = record
    try:
        entry.tags.append(references.parse(record.name).familiar)
    except InvalidParameter:
        return  # other clients may give any name; _item shows it as it is


async def _item(store: ImageStore, entry: _Entry, summary: Summary) -> ImageSummary:
    """moby imageSummary and singlePlatformImage."""
    target = entry.record.target
    item = ImageSummary(
        id=target.digest, repo_tags=entry.tags, size=summary.total_size, descriptor=target
    )
    if summary.best is None:
        item.repo_digests = [target.digest]
        return item
    reference = references.parse_canonical(entry.record.name)
    if reference is not None:
        item.repo_digests = [reference.trimmed().with_digest(target.digest).familiar]
    elif not lookup.is_dangling(entry.record) and entry.record.name not in item.repo_tags:
        item.repo_tags.append(entry.record.name)
    config, _ = await store.documents.config(summary.best.manifest.config.digest)
    item.parent_id = mediatypes.parent_of(entry.record.labels)
    item.labels = config.config.labels or None
    item.containers = summary.containers
    if config.created is not None:
        item.created = times.parse(config.created).seconds
    return item


async def _add_shared_sizes(
    items: list[tuple[ImageSummary, Summary]], summarizer: Summarizer
) -> None:
    """The layers that several images (or platforms of one) have (moby computeSharedSize)."""
    users = Counter(chain_id for _, summary in items for chain_id in summary.chain_ids)
    for item, summary in items:
        shared = [chain_id for chain_id in summary.chain_ids if users[chain_id] > 1]
        item.shared_size = sum([await summarizer.usage(chain_id) for chain_id in shared])


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between which creation times an image must be."""

    before: tuple[tuple[int, int], ...]
    since: tuple[tuple[int, int], ...]


async def _bounds(store: ImageStore, filters: ImageFilters) -> _Bounds:
    before = [await _created(store, name) for name in filters.before]
    since = [await _created(store, name) for name in filters.since]
    return _Bounds(
        tuple(instant for instant in before if instant),
        tuple(instant for instant in since if instant),
    )


async def _created(store: ImageStore, ref_or_id: str) -> tuple[int, int] | None:
    created = (await store.get(ref_or_id)).created
    return times.parse(created).instant if created is not None else None


async def _passes(
    store: ImageStore, record: Record, filters: ImageFilters, bounds: _Bounds
) -> bool:
    if filters.dangling is not None and filters.dangling != lookup.is_dangling(record):
        return False
    if filters.until is not None and record.created_at.timestamp() >= filters.until:
        return False
    if filters.references and not _matches_reference(record, filters.references):
        return False
    if not await _is_within(store, record, bounds):
        return False
    return not filters.labels or await _has_labels(store, record, filters.labels)


def _matches_reference(record: Record, patterns: tuple[str, ...]) -> bool:
    try:
        reference = references.parse(record.name)
    except InvalidParameter:
        return False
    return any(familiar_match(pattern, reference) for pattern in patterns)


def familiar_match(pattern: str, reference: references.Reference) -> bool:
    """Whether a shell pattern fits the familiar name, with or without tag.

    A malformed pattern fits nothing. Source: distribution/reference FamiliarMatch.
    """
    expression = _expression(pattern)
    return expression is not None and any(
        expression.fullmatch(name) for name in (reference.familiar, reference.familiar_name)
    )


_MEMBER = r"(?:\\.|[^\\\]-])"
_RANGE = rf"{_MEMBER}(?:-{_MEMBER})?"
_PATTERN = re.compile(
    rf"\*|\?|\\(?P<escaped>.)|\[(?P<negate>\^?)(?P<set>(?:{_RANGE})+)\]|(?P<plain>[^\\\[])",
    re.DOTALL,
)


def _expression(pattern: str) -> re.Pattern[str] | None:
    """Go's path.Match as a regular expression: `*` and `?` do not match a slash."""
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        found = _PATTERN.match(pattern, position)
        if found is None:
            return None
        position = found.end()
        pieces.append(_piece(found))
    try:
        return re.compile("".join(pieces), re.DOTALL)
    except re.error:
        return None


def _piece(found: re.Match[str]) -> str:
    if found[0] == "*":
        return "[^/]*"
    if found[0] == "?":
        return "[^/]"
    if found["set"] is not None:
        return f"[{found['negate']}{_escaped_set(found['set'])}]"
    return re.escape(found["escaped"] or found["plain"])


def _escaped_set(members: str) -> str:
    """Members and ranges, `-` between the two of a range alone left as it is."""
    found = re.finditer(r"\\?(.)(?:(-)\\?(.))?", members, flags=re.DOTALL)
    return "".join(
        re.escape(low) + (f"-{re.escape(high)}" if dash else "")
        for low, dash, high in (each.groups() for each in found)
    )


async def _is_within(store: ImageStore, record: Record, bounds: _Bounds) -> bool:
    if not (bounds.before or bounds.since):
        return True
    try:
        created = await _created(store, record.name)
    except (NotFound, InvalidParameter):
        return False
    if created is None:
        return False
    return all(created < limit for limit in bounds.before) and all(
        created > limit for limit in bounds.since
    )


async def _has_labels(store: ImageStore, record: Record, checks: tuple[LabelFilter, ...]) -> bool:
    """Whether one platform's config passes all the checks (moby setupLabelFilter)."""
    try:
        async for config in _configs(store, record):
            if all(check.matches(config.config.labels or {}) for check in checks):
                return True
    except (NotFound, InvalidParameter):
        return False
    return False


async def _configs(store: ImageStore, record: Record) -> AsyncIterator[ImageConfig]:
    async for descriptor in store.documents.walk_present(record.target):
        if mediatypes.is_config(descriptor.media_type):
            config, _ = await store.documents.config(descriptor.digest)
            yield config
