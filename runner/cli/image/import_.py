"""`import`."""

from __future__ import annotations

from runner.cli.errors import CliError, with_help
from runner.cli.image.load import open_source
from runner.cli.reference import parse_normalized
from runner.client import images, output, progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.context import Context
    from runner.cli.declarations.image import ImportOptions
    from runner.client.client import Query


def run(context: Context, options: ImportOptions) -> int:
    """Make an image of an archive: a file, stdin ("-") or what the engine fetches from a URL."""
    if options.rest:
        raise CliError(with_help("'runner import' requires at most 2 arguments", "import"))
    remote = options.source.startswith(("https://", "http://"))
    archive = None if remote else _archive(options.source)
    query: Query = {"fromSrc": options.source if remote else "-"}
    if options.message:
        query["message"] = options.message
    if options.platform:
        query["platform"] = options.platform.lower()
    if options.change:
        query["changes"] = options.change
    if options.reference:
        parse_normalized(options.reference)
        query["repo"] = options.reference
    response = images.import_image(context.client(), query, archive)
    output.flush()
    progress.display(response.chunks(), 1)
    return 0


def _archive(source: str) -> Iterator[bytes]:
    return images.read_file(0) if source == "-" else open_source(source)
