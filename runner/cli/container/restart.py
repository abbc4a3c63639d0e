"""`restart`."""

from __future__ import annotations

from runner.cli.container.stop import timeout_of
from runner.cli.context import say
from runner.cli.errors import CliError, describe
from runner.client import containers
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import StopOptions


def run(context: Context, options: StopOptions) -> int:
    """Restart containers, one after the other as docker does, and print their names."""
    timeout = timeout_of(options)
    client = context.client()
    failures = []
    for name in options.containers:
        try:
            containers.restart(client, name, signal=options.signal or "", timeout=timeout)
        except RunnerError as err:
            failures.append(describe(err))
            continue
        say(name)
    if failures:
        raise CliError("\n".join(failures))
    return 0
