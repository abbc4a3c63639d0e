"""`diff`."""

from __future__ import annotations

from runner.cli.context import say
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.inside import DiffOptions

_KINDS = ("C", "A", "D")
"""Changed, added, deleted: by the API's numbers for them."""


def run(context: Context, options: DiffOptions) -> int:
    """Print what differs between a container's files and its image's."""
    for change in containers.changes(context.client(), options.container):
        say(f"{_KINDS[change['Kind']]} {change['Path']}")
    return 0
