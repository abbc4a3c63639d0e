"""`restart`."""

from __future__ import annotations

from runner.cli.container.each import one_by_one
from runner.cli.container.stop import timeout_of
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import StopOptions


def run(context: Context, options: StopOptions) -> int:
    """Restart containers, one after the other as docker does, and print their names."""
    timeout = timeout_of(options)
    client = context.client()

    def restart(name: str) -> str:
        containers.restart(client, name, signal=options.signal or "", timeout=timeout)
        return name

    return one_by_one(options.containers, restart)
