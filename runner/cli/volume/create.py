"""`volume create`."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.create.files import to_map
from runner.cli.errors import CliError
from runner.client import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.volume import CreateOptions

_TWO_NAMES = (
    "conflicting options: cannot specify a volume-name through both --name and as a positional arg"
)


def run(context: Context, options: CreateOptions) -> int:
    """Create a volume, or find the one of that name, and print its name."""
    if options.name and options.volume is not None:
        raise CliError(_TWO_NAMES)
    body = {
        "Driver": options.driver,
        "DriverOpts": to_map(options.opt or []),
        "Labels": to_map(options.label or []),
        "Name": options.name or options.volume or "",
    }
    made = volumes.create(context.client(), {key: value for key, value in body.items() if value})
    say(made["Name"])
    return 0
