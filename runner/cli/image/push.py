"""`push` (docker/cli runPush)."""

from __future__ import annotations

import sys

from runner.cli.context import say
from runner.cli.errors import CliError
from runner.cli.image.pull import one_or_all_tags
from runner.cli.notes import green, note, red
from runner.cli.platform import as_json
from runner.cli.registry import credentials
from runner.client import images, output, progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.image import PushOptions
    from runner.cli.reference import Reference

_ONE_PLATFORM = """\
Using --platform pushes only the specified platform manifest of a multi-platform image index.
Other components, like attestations, will not be included.
To push the complete multi-platform image, remove the --platform flag.
"""
_INSTEAD = (
    "Not all multiplatform-content is present and only the available single-platform image was "
    "pushed"
)
_MISSING = """\
You're trying to push a manifest list/index which \n\
\t\t\t\treferences multiple platform specific manifests, but not all of them are available locally
\t\t\t\tor available to the remote repository.

\t\t\t\tMake sure you have all the referenced content and try again.

\t\t\t\tYou can also push only a single platform specific manifest directly by specifying the \
platform you want to push with the --platform flag."""


def run(context: Context, options: PushOptions) -> int:
    """Upload an image to its registry."""
    if not options.disable_content_trust:
        raise CliError('"--disable-content-trust=false" is not supported by runner')
    platform = _platform(options.platform)
    if platform:
        note(_ONE_PLATFORM, 1)
    reference = _reference(options)
    response = images.push(
        context.client(),
        f"{reference.domain}/{reference.path}",
        "" if options.all_tags else reference.tag,
        platform=platform,
        registry_auth=credentials.encoded(reference.domain),
    )
    output.flush()
    notes: list[str] = []
    try:
        if options.quiet:
            progress.drain(response.chunks(), lambda facts: notes.extend(_notes(facts)))
        else:
            progress.display(response.chunks(), 1, lambda facts: notes.extend(_notes(facts)))
    finally:
        for text in notes:
            note(text, 1)
    if options.quiet:
        say(str(reference))
    return 0


def _platform(specifier: str | None) -> str:
    try:
        return as_json(specifier, "")
    except CliError:
        sys.stderr.write(f"Invalid platform {specifier}")  # docker ends no line here either
        raise


def _reference(options: PushOptions) -> Reference:
    reference = one_or_all_tags(options)
    if reference.digest:
        raise CliError("cannot push a digest reference")
    return reference


def _notes(facts: dict[str, Any]) -> list[str]:
    """What is to be said of the engine's auxiliary messages."""
    if facts.get("manifestPushedInsteadOfIndex"):
        whole, chosen = facts["originalIndex"]["digest"], facts["selectedManifest"]["digest"]
        return [f"{_INSTEAD}\n{red(whole)} -> {green(chosen)}"]
    return [_MISSING] if facts.get("contentMissing") else []
