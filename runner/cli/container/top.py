"""`top`."""

from __future__ import annotations

import sys

from runner.cli.format.columns import align
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.inside import TopOptions


def run(context: Context, options: TopOptions) -> int:
    """Show a container's processes, as ps does with these options."""
    answer = containers.top(context.client(), options.container, options.ps_options or [])
    rows = [answer["Titles"] or [], *(answer["Processes"] or [])]
    sys.stdout.write(align(["\t".join(row) for row in rows], minimum=20, padding=3))
    return 0
