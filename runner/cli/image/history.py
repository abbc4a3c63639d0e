"""`history` (docker/cli runHistory and historyContext)."""

from __future__ import annotations

import time

from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, ellipsis, lines, short_id
from runner.cli.platform import as_json
from runner.client import images
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import HistoryOptions
    from runner.cli.format.kind import Row

_COLUMNS = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")
_EXACT = ("ID", "CreatedAt", "CreatedBy", "Size", "Comment")
KIND = Kind(
    "image.historyContext",
    {
        "ID": "IMAGE",
        "CreatedSince": "CREATED",
        "CreatedAt": "CREATED AT",
        "CreatedBy": "CREATED BY",
        "Size": "SIZE",
        "Comment": "COMMENT",
    },
)
_YEAR_2000 = 946684800
"""Earlier dates are no dates."""
_CREATED_BY_WIDTH = 45


def run(context: Context, options: HistoryOptions) -> int:
    """Show how an image was made, the last step first."""
    platform = as_json(options.platform)
    steps = images.history(context.client(), options.name, platform=platform)
    rows = [_row(step, truncate=not options.no_trunc, human=options.human) for step in steps]
    if options.quiet and options.format in (None, "", "table"):
        lines(rows, "ID")
        return 0
    Listing(KIND, options.format or "", _COLUMNS if options.human else _EXACT).show(rows)
    return 0


def _row(step: dict[str, Any], *, truncate: bool, human: bool) -> Row:
    created_at = _rfc3339(step["Created"])
    created_by = step["CreatedBy"].replace("\t", " ")
    return {
        "ID": short_id(step["Id"]) if truncate else step["Id"],
        "CreatedSince": _age(step["Created"]) if human else created_at,
        "CreatedAt": created_at,
        "CreatedBy": ellipsis(created_by, _CREATED_BY_WIDTH) if truncate else created_by,
        "Size": human_size(step["Size"], 3) if human else str(step["Size"]),
        "Comment": step["Comment"],
    }


def _age(created: int) -> str:
    return "N/A" if created <= _YEAR_2000 else f"{human_duration(time.time() - created)} ago"


def _rfc3339(seconds: int) -> str:
    moment = time.localtime(seconds)
    zone = time.strftime("%z", moment)
    shown = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + shown
