"""`container prune`."""

from __future__ import annotations

from runner.cli.confirm import confirm
from runner.cli.context import say
from runner.client import containers, filters
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import PruneOptions

_WARNING = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?"


def run(context: Context, options: PruneOptions) -> int:
    """Remove containers that do not run, and print their IDs."""
    if not options.force:
        confirm(_WARNING)
    report = containers.prune(context.client(), filters.to_json(options.filter or []))
    space = show(report)
    say(f"Total reclaimed space: {human_size(space)}")
    return 0


def show(report: dict[str, Any]) -> int:
    """Print which were removed; the bytes that this has freed."""
    removed = report.get("ContainersDeleted")
    if not removed:
        return 0
    say("\n".join(["Deleted Containers:", *removed, ""]))
    space: int = report.get("SpaceReclaimed", 0)
    return space
