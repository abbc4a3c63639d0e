"""`image prune`."""

from __future__ import annotations

from runner.cli.confirm import confirm
from runner.cli.context import say
from runner.client import filters, images
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import ImagePruneOptions

_QUESTION = "WARNING! This will remove all {}.\nAre you sure you want to continue?"
_DANGLING = _QUESTION.format("dangling images")
_ALL = _QUESTION.format("images without at least one container associated to them")


def run(context: Context, options: ImagePruneOptions) -> int:
    """Remove images that nobody uses, and print what was taken."""
    if not options.force:
        confirm(_ALL if options.all else _DANGLING)
    dangling = ("dangling", "false" if options.all else "true")
    wanted = filters.to_json([*(options.filter or []), dangling])
    space = show(images.prune(context.client(), wanted))
    say(f"Total reclaimed space: {human_size(space)}")
    return 0


def show(report: dict[str, Any]) -> int:
    """Print what was removed; the bytes that this has freed."""
    removed = report.get("ImagesDeleted") or []
    if not removed:
        return 0
    say("\n".join(["Deleted Images:", *map(_told, removed), ""]))
    space: int = report["SpaceReclaimed"]
    return space


def _told(item: dict[str, str]) -> str:
    untagged = item.get("Untagged")
    return f"untagged: {untagged}" if untagged else f"deleted: {item.get('Deleted', '')}"
