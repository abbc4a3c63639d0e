"""`rename`."""

from __future__ import annotations

from runner.cli.context import warn
from runner.cli.errors import CliError, describe
from runner.client import containers
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import RenameOptions


def run(context: Context, options: RenameOptions) -> int:
    """Give a container another name."""
    old, new = options.container.strip(), options.new_name.strip()
    if not old or not new:
        raise CliError("Error: Neither old nor new names may be empty")
    try:
        containers.rename(context.client(), old, new)
    except RunnerError as err:
        warn(describe(err))
        raise CliError(f"Error: failed to rename container named {old}") from err
    return 0
