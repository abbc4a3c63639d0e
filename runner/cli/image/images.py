"""`images` (docker/cli runImages and imageContext)."""

from __future__ import annotations

import time

from runner.cli.context import warn
from runner.cli.errors import CliError
from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, lines, local_time, short_id
from runner.cli.reference import Reference, parse_normalized
from runner.cli.values.numbers import go_quote
from runner.client import filters, images
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import ImagesOptions
    from runner.cli.format.kind import Row
    from runner.client.client import Query

_COLUMNS = ("Repository", "Tag", "ID", "CreatedSince", "Size")
_WITH_DIGESTS = ("Repository", "Tag", "Digest", "ID", "CreatedSince", "Size")
KIND = Kind(
    "formatter.imageContext",
    {
        "ID": "IMAGE ID",
        "Repository": "REPOSITORY",
        "Tag": "TAG",
        "Digest": "DIGEST",
        "CreatedSince": "CREATED",
        "CreatedAt": "CREATED AT",
        "Size": "SIZE",
        "Containers": "CONTAINERS",
        "VirtualSize": "SIZE",
        "SharedSize": "SHARED SIZE",
        "UniqueSize": "UNIQUE SIZE",
    },
)
RAW = """repository: {{ .Repository }}
tag: {{.Tag}}
digest: {{.Digest}}
image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
"""
_NO_TIME = -62135596800
"""The year 1, which is what Go makes of no time at all."""
_SUBCOMMANDS = frozenset(
    "history import inspect list load ls prune pull push remove rm save tag".split()
)


def run(context: Context, options: ImagesOptions) -> int:
    """List images."""
    found = images.list_images(context.client(), _query(options))
    digests = options.digests or "{{.Digest}}" in (options.format or "")
    rows = (
        row
        for image in found
        for row in _rows(image, truncate=not options.no_trunc, digests=digests)
    )
    _show(rows, options)
    if options.repository in _SUBCOMMANDS and not found:
        warn(
            f"\nNo images found matching {go_quote(options.repository)}: "
            f'did you mean "runner image {options.repository}"?'
        )
    return 0


def _show(rows: Iterable[Row], options: ImagesOptions) -> None:
    layout, digests = options.format or "", options.digests
    if layout == "raw":
        layout = RAW if digests else RAW.replace("digest: {{.Digest}}\n", "")
        layout = "image_id: {{.ID}}" if options.quiet else layout
    elif layout not in ("", "table"):
        if layout.startswith("table") and digests and "{{.Digest}}" not in layout:
            layout += "\t{{.Digest}}"
    elif options.quiet:
        lines(rows, "ID")
        return
    else:
        rows = (row | {"CreatedSince": row["CreatedSince"] or "N/A"} for row in rows)
    Listing(KIND, layout, _WITH_DIGESTS if digests else _COLUMNS).show(rows)


def _query(options: ImagesOptions) -> Query:
    pairs = list(options.filter or [])
    if options.repository:
        pairs.append(("reference", options.repository))
    query: Query = {"all": "1"} if options.all else {}
    if wanted := filters.to_json(pairs):
        query["filters"] = wanted
    return query


def _rows(image: dict[str, Any], *, truncate: bool, digests: bool) -> Iterator[Row]:
    """A row for each tag, and for each name that has only a digest."""
    common = columns(image, truncate=truncate)
    for repository, tag, digest in _names(image, digests=digests):
        yield common | {"Repository": repository, "Tag": tag, "Digest": digest}


def columns(image: dict[str, Any], *, truncate: bool) -> Row:
    """An image's columns, its names aside."""
    created = image["Created"]
    age = "" if created == _NO_TIME else human_duration(time.time() - created) + " ago"
    return {
        "ID": short_id(image["Id"]) if truncate else image["Id"],
        "CreatedSince": age,
        "CreatedAt": local_time(created),
        "Size": human_size(image["Size"], 3),
        "Containers": _count(image["Containers"]),
        "VirtualSize": human_size(image["Size"]),
        "SharedSize": _optional_size(image["SharedSize"]),
        "UniqueSize": _optional_size(
            -1 if image["SharedSize"] == -1 else image["Size"] - image["SharedSize"]
        ),
    }


def first_name(image: dict[str, Any]) -> tuple[str, str]:
    """The repository and tag of its first name."""
    tags = _references((image["RepoTags"] or [])[:1])
    return (tags[0].familiar_name, tags[0].tag) if tags else ("<none>", "<none>")


def _names(image: dict[str, Any], *, digests: bool) -> Iterator[tuple[str, str, str]]:
    if _is_dangling(image):
        yield "<none>", "<none>", "<none>"
    tags = [reference for reference in _references(image["RepoTags"]) if reference.tag]
    by_digest = [reference for reference in _references(image["RepoDigests"]) if reference.digest]
    for reference in tags:
        name = reference.familiar_name
        own = [other.digest for other in by_digest if other.familiar_name == name]
        for digest in own if digests and own else ["<none>"]:
            yield name, reference.tag, digest
    tagged = {reference.familiar_name for reference in tags}
    for reference in by_digest:
        if reference.familiar_name not in tagged:
            yield reference.familiar_name, "<none>", reference.digest


def _is_dangling(image: dict[str, Any]) -> bool:
    names = (image["RepoTags"] or [], image["RepoDigests"] or [])
    return names in (([], []), (["<none>:<none>"], ["<none>@<none>"]))


def _references(texts: list[str] | None) -> list[Reference]:
    parsed = []
    for text in texts or []:
        try:
            parsed.append(parse_normalized(text))
        except CliError:
            continue  # <none>:<none>
    return parsed


def _count(number: int) -> str:
    return "N/A" if number == -1 else str(number)


def _optional_size(size: int) -> str:
    return "N/A" if size == -1 else human_size(size)
