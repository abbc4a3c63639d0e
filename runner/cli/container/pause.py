"""`pause` and `unpause`."""

from __future__ import annotations

from runner.cli.container.each import for_each
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import PauseOptions


def run(context: Context, options: PauseOptions) -> int:
    """Freeze containers and print their names."""
    client = context.client()
    return for_each(client, options.containers, lambda name: containers.send_pause(client, name))


def run_unpause(context: Context, options: PauseOptions) -> int:
    """Let paused containers go on, and print their names."""
    client = context.client()
    return for_each(client, options.containers, lambda name: containers.send_unpause(client, name))
