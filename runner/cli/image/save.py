"""`save`."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.newfile import NewFile
from runner.cli.platform import as_json
from runner.client import images, output, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.image import SaveOptions


def run(context: Context, options: SaveOptions) -> int:
    """Write images as one archive, to a file or stdout."""
    platform = as_json(options.platform)
    if options.output:
        with NewFile(options.output, "failed to save image") as file:
            _copy(context, options, platform, file.fd)
            file.keep()
        return 0
    if terminal.is_terminal(1):
        raise CliError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    _copy(context, options, platform, 1)
    return 0


def _copy(context: Context, options: SaveOptions, platform: str, fd: int) -> None:
    response = images.save(context.client(), options.names, platform=platform)
    output.flush()
    for chunk in response.chunks():
        output.write(fd, chunk)
