"""`load`."""

from __future__ import annotations

import os

from runner.cli.errors import CliError, os_error
from runner.cli.platform import as_json
from runner.client import images, output, progress, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.context import Context
    from runner.cli.declarations.image import LoadOptions


def run(context: Context, options: LoadOptions) -> int:
    """Load the images of an archive from a file or stdin."""
    if not options.input and terminal.is_terminal(0):
        raise CliError("requested load from stdin, but stdin is empty")
    archive = open_source(options.input) if options.input else images.read_file(0)
    platform = as_json(options.platform)
    response = images.load(
        context.client(),
        archive,
        quiet=options.quiet or not terminal.is_terminal(1),
        platform=platform,
    )
    output.flush()
    if response.headers.get("content-type", "") == "application/json":
        progress.display(response.chunks(), 1)
    else:
        for chunk in response.chunks():
            output.write(1, chunk)
    return 0


def open_source(path: str) -> Iterator[bytes]:
    """A file's content in pieces. Raises CliError with Go's text, now and while it is read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as err:
        raise CliError(os_error(err)) from err
    return _pieces(fd, path)


def _pieces(fd: int, path: str) -> Iterator[bytes]:
    try:
        yield from images.read_file(fd)
    except OSError as err:  # a directory's
        err.filename = path
        raise CliError(os_error(err, "read")) from err
