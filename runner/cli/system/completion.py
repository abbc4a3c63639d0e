"""`completion`: what makes a shell complete runner's commands, flags and names.

The scripts know no command themselves: they ask `runner` (by `_RUNNER_COMPLETE`, typer's own
protocol), so that they never fall behind it; and `runner` asks the engine for names.
"""

from __future__ import annotations

from runner.cli import pflag
from runner.cli.context import say
from runner.cli.errors import CliError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import CompletionOptions

SHELLS = ("bash", "zsh", "fish")


def run(_context: Context, options: CompletionOptions) -> int:
    """Print the shell's script."""
    if options.shell not in SHELLS:
        raise CliError(f"unknown shell: {options.shell}; there are {', '.join(SHELLS)}")
    from runner.cli import app

    say(app.completion(pflag.PROGRAM, options.shell))
    return 0
