"""`rmi` (docker/cli runRemove)."""

from __future__ import annotations

from runner.cli.context import say, warn
from runner.cli.errors import CliError, describe
from runner.cli.platform import as_json
from runner.client import images
from runner.types.errors import NotFound, RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.image import RemoveOptions


def run(context: Context, options: RemoveOptions) -> int:
    """Remove images, and print what was taken of each."""
    client = context.client()
    platforms = [
        as_json(platform, "") for given in options.platform or [] for platform in given.split(",")
    ]
    failures: list[RunnerError] = []
    for name in options.names:
        try:
            taken = images.remove(
                client, name, force=options.force, prune=not options.no_prune, platforms=platforms
            )
        except RunnerError as err:
            failures.append(err)
            continue
        for item in taken:
            deleted = item.get("Deleted")
            say(f"Deleted: {deleted}" if deleted else f"Untagged: {item.get('Untagged', '')}")
    return _tell(failures, force=options.force)


def _tell(failures: list[RunnerError], *, force: bool) -> int:
    """With --force it is as well when there was no such image."""
    text = "\n".join(describe(failure) for failure in failures)
    if failures and not (force and all(isinstance(failure, NotFound) for failure in failures)):
        raise CliError(text)
    if failures:
        warn(text)
    return 0
