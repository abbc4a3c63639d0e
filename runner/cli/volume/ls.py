"""`volume ls` (docker/cli runList and volumeContext)."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, joined_labels, lines
from runner.cli.values.order import natural
from runner.client import filters, volumes
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.volume import ListOptions
    from runner.cli.format.kind import Row

KIND = Kind(
    "formatter.volumeContext",
    {
        "Name": "VOLUME NAME",
        "Group": "GROUP",
        "Driver": "DRIVER",
        "Scope": "SCOPE",
        "Availability": "AVAILABILITY",
        "Mountpoint": "MOUNTPOINT",
        "Labels": "LABELS",
        "Links": "LINKS",
        "Size": "SIZE",
        "Status": "STATUS",
    },
    labelled=True,
)
RAW = "name: {{.Name}}\ndriver: {{.Driver}}\n"


def run(context: Context, options: ListOptions) -> int:
    """List volumes."""
    if options.cluster:
        raise CliError('"--cluster" is not supported by runner')
    found = volumes.list_volumes(context.client(), filters.to_json(options.filter or []))
    rows = map(row, sorted(found, key=lambda volume: natural(volume["Name"])))
    layout = options.format or ""
    if layout == "raw":
        layout = "name: {{.Name}}" if options.quiet else RAW
    elif layout in ("", "table") and options.quiet:
        lines(rows, "Name")
        return 0
    Listing(KIND, layout, ("Driver", "Name")).show(rows)
    return 0


def row(volume: dict[str, Any]) -> Row:
    """A volume's columns."""
    usage = volume.get("UsageData")
    return {
        "Name": volume["Name"],
        "Group": "N/A",  # of cluster volumes only, as are the next two
        "Availability": "N/A",
        "Status": "N/A",
        "Driver": volume["Driver"],
        "Scope": volume["Scope"],
        "Mountpoint": volume["Mountpoint"],
        "Labels": joined_labels(volume["Labels"]),
        "Label": volume["Labels"] or {},
        "Links": str(usage["RefCount"]) if usage else "N/A",
        "Size": human_size(usage["Size"]) if usage else "N/A",
    }
