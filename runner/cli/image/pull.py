"""`pull`, and the pull that `run` and `create` do for a missing image."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError
from runner.cli.reference import Reference, parse_normalized
from runner.cli.registry import credentials
from runner.client import images, output, progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.image import PullOptions, PushOptions
    from runner.client.client import EngineClient


def run(context: Context, options: PullOptions) -> int:
    """Get an image from its registry and print its full name."""
    if not options.disable_content_trust:
        raise CliError('"--disable-content-trust=false" is not supported by runner')
    reference = one_or_all_tags(options)
    _pull(
        context.client(),
        f"{reference.domain}/{reference.path}",
        reference.digest or reference.tag,
        platform=options.platform or "",
        quiet=options.quiet,
        fd=1,
    )
    say(str(reference))
    return 0


def one_or_all_tags(options: PullOptions | PushOptions) -> Reference:
    """What a `pull` or `push` is about: one tag or digest, or with --all-tags a bare name."""
    reference = parse_normalized(options.name)
    if options.all_tags and (reference.tag or reference.digest):
        raise CliError("tag can't be used with --all-tags/-a")
    if not options.all_tags and not (reference.tag or reference.digest):
        reference = reference.tagged()
        if not options.quiet:
            say(f"Using default tag: {reference.tag}")
    return reference


def pull_image(client: EngineClient, image: str, *, platform: str, quiet: bool, fd: int) -> None:
    """Pull what `image` names, showing the progress on `fd`."""
    reference = parse_normalized(image).tagged()
    name = f"{reference.domain}/{reference.path}"
    tag = reference.digest or reference.tag
    _pull(client, name, tag, platform=platform, quiet=quiet, fd=fd)


def _pull(
    client: EngineClient, name: str, tag: str, *, platform: str, quiet: bool, fd: int
) -> None:
    registry_auth = credentials.encoded(name.partition("/")[0])
    output.flush()
    response = images.pull(client, name, tag, platform=platform, registry_auth=registry_auth)
    if quiet:
        progress.drain(response.chunks())
    else:
        progress.display(response.chunks(), fd)
