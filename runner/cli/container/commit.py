"""`commit`."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.reference import parse_tag
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.inside import CommitOptions
    from runner.client.client import Query


def run(context: Context, options: CommitOptions) -> int:
    """Make an image of a container and print its ID."""
    repository, tag = parse_tag(options.reference) if options.reference else ("", "")
    query: Query = {
        "repo": repository,
        "tag": tag,
        "comment": options.message or "",
        "author": options.author or "",
    }
    if options.change:
        query["changes"] = options.change
    if not options.pause:
        query["pause"] = "0"
    say(containers.commit(context.client(), options.container, query))
    return 0
