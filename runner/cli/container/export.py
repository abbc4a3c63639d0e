"""`export`."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.newfile import NewFile
from runner.client import containers, output, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.inside import ExportOptions


def run(context: Context, options: ExportOptions) -> int:
    """Write a container's file system as a tar archive, to a file or stdout."""
    if options.output:
        with NewFile(options.output, "failed to export container") as file:
            _copy(context, options.container, file.fd)
            file.keep()
        return 0
    if terminal.is_terminal(1):
        raise CliError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    _copy(context, options.container, 1)
    return 0


def _copy(context: Context, container: str, fd: int) -> None:
    response = containers.export(context.client(), container)
    output.flush()
    for chunk in response.chunks():
        output.write(fd, chunk)
