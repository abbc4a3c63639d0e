"""`wait`."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError, describe
from runner.client import containers
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import WaitOptions


def run(context: Context, options: WaitOptions) -> int:
    """Wait for each container in turn and print its exit code."""
    client = context.client()
    failures = []
    for name in options.containers:
        try:
            answer = containers.receive_wait(client, containers.send_wait(client, name, ""))
            say(str(answer.json()["StatusCode"]))
            client.release(answer)
        except RunnerError as err:
            failures.append(describe(err))
    if failures:
        raise CliError("\n".join(failures))
    return 0
