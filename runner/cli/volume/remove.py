"""`volume rm`."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError, describe
from runner.client import volumes
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.volume import RemoveOptions


def run(context: Context, options: RemoveOptions) -> int:
    """Remove volumes one after the other, print their names, then what went wrong."""
    client = context.client()
    failures: list[str] = []
    for name in options.volumes:
        try:
            volumes.remove(client, name, force=options.force)
        except RunnerError as err:
            failures.append(describe(err))
            continue
        say(name)
    if failures:
        raise CliError("\n".join(failures))
    return 0
