"""`stop`."""

from __future__ import annotations

from runner.cli.container.each import for_each
from runner.cli.errors import CliError
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import StopOptions


def run(context: Context, options: StopOptions) -> int:
    """Stop containers and print their names."""
    timeout = timeout_of(options)
    client = context.client()
    return for_each(
        client,
        options.containers,
        lambda name: containers.send_stop(
            client, name, signal=options.signal or "", timeout=timeout
        ),
    )


def timeout_of(options: StopOptions) -> int | None:
    """The seconds to wait, under either name of the flag; None leaves them to the container."""
    if options.time is not None and options.timeout is not None:
        raise CliError("conflicting options: cannot specify both --timeout and --time")
    return options.time if options.timeout is None else options.timeout
