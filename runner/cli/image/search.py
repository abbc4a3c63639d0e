"""`search` (docker/cli runSearch and searchContext)."""

from __future__ import annotations

from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, ellipsis
from runner.cli.registry import credentials
from runner.client import filters, images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import SearchOptions
    from runner.cli.format.kind import Row

_COLUMNS = ("Name", "Description", "StarCount", "IsOfficial")
KIND = Kind(
    "registry.searchContext",
    {
        "Name": "NAME",
        "Description": "DESCRIPTION",
        "StarCount": "STARS",
        "IsOfficial": "OFFICIAL",
    },
    more=("IsAutomated",),
)
_DESCRIPTION_WIDTH = 45


def run(context: Context, options: SearchOptions) -> int:
    """Look for repositories in an index."""
    first, slash, _ = options.term.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    found = images.search(
        context.client(),
        options.term,
        options.limit or 0,
        filters.to_json(options.filter or []),
        registry_auth=credentials.encoded(first if named else "docker.io"),
    )
    rows = (_row(result, truncate=not options.no_trunc) for result in found)
    Listing(KIND, options.format or "", _COLUMNS).show(rows)
    return 0


def _row(result: dict[str, Any], *, truncate: bool) -> Row:
    description = result["description"].replace("\n", " ").replace("\r", " ")
    return {
        "Name": result["name"],
        "Description": ellipsis(description, _DESCRIPTION_WIDTH) if truncate else description,
        "StarCount": str(result["star_count"]),
        "IsOfficial": "[OK]" if result["is_official"] else "",
        "IsAutomated": "",
    }
