"""`images` (docker/cli runImages and imageContext)."""

from __future__ import annotations

import time

from runner.cli.container.ps import filters_json
from runner.cli.context import warn
from runner.cli.errors import CliError
from runner.cli.format.listing import Listing, local_time, short_id
from runner.cli.reference import Reference, parse_normalized
from runner.cli.values.numbers import go_quote
from runner.client import images
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import ImagesOptions
    from runner.client.client import Query

_TABLE = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
_DIGESTS = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
_HEADERS = {
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
}
_SUBCOMMANDS = frozenset({"import", "inspect", "list", "load", "ls", "pull"})


def run(context: Context, options: ImagesOptions) -> int:
    """List images."""
    listing = Listing(_format(options), _HEADERS)
    found = images.list_images(context.client(), _query(options))
    digests = options.digests or listing.uses("Digest")
    listing.show(
        row
        for image in found
        for row in _rows(image, truncate=not options.no_trunc, digests=digests)
    )
    if options.repository in _SUBCOMMANDS and not found:
        warn(
            f"\nNo images found matching {go_quote(options.repository)}: "
            f'did you mean "runner image {options.repository}"?'
        )
    return 0


def _format(options: ImagesOptions) -> str:
    if options.format in (None, "", "table"):
        if options.quiet:
            return "{{.ID}}"
        return _DIGESTS if options.digests else _TABLE
    return options.format or ""


def _query(options: ImagesOptions) -> Query:
    pairs = list(options.filter or [])
    if options.repository:
        pairs.append(("reference", options.repository))
    query: Query = {"all": "1"} if options.all else {}
    if filters := filters_json(pairs):
        query["filters"] = filters
    return query


def _rows(image: dict[str, Any], *, truncate: bool, digests: bool) -> Iterator[dict[str, str]]:
    """A row for each tag, and for each name that has only a digest."""
    created = image["Created"]
    common = {
        "ID": short_id(image["Id"]) if truncate else image["Id"],
        "CreatedSince": human_duration(time.time() - created) + " ago" if created else "N/A",
        "CreatedAt": local_time(created),
        "Size": human_size(image["Size"], 3),
        "Containers": _count(image["Containers"]),
        "VirtualSize": human_size(image["Size"]),
        "SharedSize": _optional_size(image["SharedSize"]),
        "UniqueSize": _optional_size(
            -1 if image["SharedSize"] == -1 else image["Size"] - image["SharedSize"]
        ),
    }
    for repository, tag, digest in _names(image, digests=digests):
        yield common | {"Repository": repository, "Tag": tag, "Digest": digest}


def _names(image: dict[str, Any], *, digests: bool) -> Iterator[tuple[str, str, str]]:
    tags = _references(image["RepoTags"])
    by_digest = _references(image["RepoDigests"])
    if not tags and not by_digest:
        yield "<none>", "<none>", "<none>"
    for reference in tags:
        name = reference.familiar_name
        own = [other.digest for other in by_digest if other.familiar_name == name]
        for digest in own if digests and own else ["<none>"]:
            yield name, reference.tag, digest
    tagged = {reference.familiar_name for reference in tags}
    for reference in by_digest:
        if reference.familiar_name not in tagged:
            yield reference.familiar_name, "<none>", reference.digest


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
