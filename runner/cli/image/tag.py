"""`tag`."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.reference import parse_any, parse_normalized, parse_tag
from runner.cli.values.numbers import go_quote
from runner.client import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.cli.context import Context
    from runner.cli.declarations.image import TagOptions


def run(context: Context, options: TagOptions) -> int:
    """Give an image another name."""
    _check(options.source, parse_any)
    _check(options.target, parse_normalized)
    repository, tag = parse_tag(options.target)
    images.tag(context.client(), options.source, repository, tag)
    return 0


def _check(name: str, parse: Callable[[str], object]) -> None:
    try:
        parse(name)
    except CliError as err:
        raise CliError(
            f"Error parsing reference: {go_quote(name)} is not a valid repository/tag: {err}"
        ) from err
