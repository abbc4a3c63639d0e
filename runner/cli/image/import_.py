"""`import`."""

from __future__ import annotations

from runner.cli.image.load import open_source
from runner.client import images, output, progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.image import ImportOptions
    from runner.client.client import Query


def run(context: Context, options: ImportOptions) -> int:
    """Make an image of an archive: a file, stdin ("-") or what the engine fetches from a URL."""
    remote = options.source.startswith(("https://", "http://"))
    query: Query = {"fromSrc": options.source if remote else "-"}
    if options.reference:
        query["repo"] = options.reference
    if options.message:
        query["message"] = options.message
    if options.platform:
        query["platform"] = options.platform.lower()
    if options.change:
        query["changes"] = options.change
    archive = None
    if not remote:
        source = 0 if options.source == "-" else open_source(options.source)
        archive = images.read_file(source)
    response = images.import_image(context.client(), query, archive)
    output.flush()
    progress.display(response.chunks(), 1)
    return 0
