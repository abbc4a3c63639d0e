"""`load`."""

from __future__ import annotations

import os

from runner.cli.errors import CliError, os_error
from runner.client import images, output, progress, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.image import LoadOptions


def run(context: Context, options: LoadOptions) -> int:
    """Load the images of an archive from a file or stdin."""
    source = 0
    if options.input:
        source = open_source(options.input)
    elif terminal.is_terminal(0):
        raise CliError("requested load from stdin, but stdin is empty")
    response = images.load(
        context.client(),
        images.read_file(source),
        quiet=options.quiet or not terminal.is_terminal(1),
        platform=images.platform_json(options.platform) if options.platform else "",
    )
    output.flush()
    if response.headers.get("content-type", "") == "application/json":
        progress.display(response.chunks(), 1)
    else:
        for chunk in response.chunks():
            output.write(1, chunk)
    return 0


def open_source(path: str) -> int:
    """A file's descriptor. Raises CliError with Go's text."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as err:
        raise CliError(os_error(err)) from err
