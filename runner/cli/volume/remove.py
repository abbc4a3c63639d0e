"""`volume rm`."""

from __future__ import annotations

from runner.cli.container.each import one_by_one
from runner.client import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.volume import RemoveOptions


def run(context: Context, options: RemoveOptions) -> int:
    """Remove volumes one after the other, print their names, then what went wrong."""
    client = context.client()

    def remove(name: str) -> str:
        volumes.remove(client, name, force=options.force)
        return name

    return one_by_one(options.volumes, remove)
