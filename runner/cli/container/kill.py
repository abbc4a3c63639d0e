"""`kill`."""

from __future__ import annotations

from runner.cli.container.each import for_each
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import KillOptions


def run(context: Context, options: KillOptions) -> int:
    """Send a signal to containers and print their names."""
    client = context.client()
    signal = options.signal or ""
    return for_each(
        client, options.containers, lambda name: containers.send_kill(client, name, signal)
    )
