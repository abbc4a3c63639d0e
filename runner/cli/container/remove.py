"""`rm`."""

from __future__ import annotations

from runner.cli.container.each import for_each
from runner.cli.context import warn
from runner.cli.errors import CliError, describe
from runner.client import containers
from runner.types.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import RemoveOptions
    from runner.client.transport import Connection
    from runner.types.errors import RunnerError


def run(context: Context, options: RemoveOptions) -> int:
    """Remove containers and print their names; with --force a missing one is only mentioned."""
    client = context.client()

    def send(name: str) -> Connection:
        name = name.strip("/")
        if not name:
            raise CliError("container name cannot be empty")
        return containers.send_remove(
            client, name, force=options.force, volumes=options.volumes, link=options.link
        )

    def forgive(error: RunnerError) -> bool:
        if options.force and isinstance(error, NotFound):
            warn(describe(error))
            return True
        return False

    return for_each(client, options.containers, send, forgive)
