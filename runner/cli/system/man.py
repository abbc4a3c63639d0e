"""`man`: the manual pages, made from what the commands say about themselves."""

from __future__ import annotations

import os

from runner.cli.errors import CliError, os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import ManOptions


def run(_context: Context, options: ManOptions) -> int:
    """Write a page for the program and one for each command, as `runner-run.1`."""
    from runner.cli import manpages

    try:
        os.makedirs(options.directory, exist_ok=True)  # noqa: PTH103 - cheap import
        for name, text in manpages.pages():
            with open(f"{options.directory}/{name}", "w", encoding="utf-8") as page:
                page.write(text)
    except OSError as err:
        raise CliError(f"cannot write the manual pages: {os_error(err)}") from err
    return 0
