"""`volume prune`."""

from __future__ import annotations

from runner.cli.confirm import confirm
from runner.cli.context import say
from runner.cli.errors import CliError
from runner.client import filters, volumes
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.volume import PruneOptions

_WARNING = (
    "WARNING! This will remove {} local volumes not used by at least one container.\n"
    "Are you sure you want to continue?"
)
_TWICE = "conflicting options: cannot specify both --all and --filter all=1"


def run(context: Context, options: PruneOptions) -> int:
    """Remove volumes that no container uses, and print their names."""
    pairs = list(options.filter or [])
    if options.all:
        if any(name == "all" for name, _ in pairs):
            raise CliError(_TWICE)
        pairs.append(("all", "true"))
    if not options.force:
        confirm(_WARNING.format("all" if options.all else "anonymous"))
    space = show(volumes.prune(context.client(), filters.to_json(pairs)))
    say(f"Total reclaimed space: {human_size(space)}")
    return 0


def show(report: dict[str, Any]) -> int:
    """Print which were removed; the bytes that this has freed."""
    removed = report.get("VolumesDeleted")
    if not removed:
        return 0
    say("\n".join(["Deleted Volumes:", *removed, ""]))
    space: int = report.get("SpaceReclaimed", 0)
    return space
