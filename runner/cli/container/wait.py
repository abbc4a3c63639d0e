"""`wait`."""

from __future__ import annotations

from runner.cli.container.each import one_by_one
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import WaitOptions


def run(context: Context, options: WaitOptions) -> int:
    """Wait for each container in turn and print its exit code."""
    client = context.client()

    def exit_code(name: str) -> str:
        answer = containers.receive_wait(client, containers.send_wait(client, name, ""))
        code = str(answer.json()["StatusCode"])
        client.release(answer)
        return code

    return one_by_one(options.containers, exit_code)
