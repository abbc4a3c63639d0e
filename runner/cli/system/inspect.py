"""`inspect`, `container inspect`, `image inspect` (docker/cli inspect)."""

from __future__ import annotations

import sys

from runner.cli.errors import CliError, describe
from runner.cli.format.template import Template, json_text
from runner.cli.values.numbers import go_quote
from runner.client import containers, images, jsontext
from runner.types.errors import NotFound, RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import ContainerInspectOptions, InspectOptions
    from runner.cli.declarations.image import ImageInspectOptions

    Find = Callable[[str], Any]

_TYPES = ("container", "image")
_ANY_OF = 'must be one of "container", "image"'


def run(context: Context, options: InspectOptions) -> int:
    """Containers or images, whichever has the name."""
    if options.type == "":
        raise CliError(f"type is empty: {_ANY_OF}")
    if options.type is not None and options.type not in _TYPES:
        raise CliError(f"unknown type: {go_quote(options.type)}: {_ANY_OF}")
    client = context.client()
    finders: dict[str, Find] = {
        "container": lambda name: containers.inspect(client, name, size=options.size),
        "image": lambda name: images.inspect(client, name),
    }
    wanted = [finders[options.type]] if options.type else list(finders.values())
    return _inspect(options.names, options.format, lambda name: _first(wanted, name))


def run_container(context: Context, options: ContainerInspectOptions) -> int:
    """Containers only."""
    client = context.client()
    return _inspect(
        options.names,
        options.format,
        lambda name: containers.inspect(client, name, size=options.size),
    )


def run_image(context: Context, options: ImageInspectOptions) -> int:
    """Images only."""
    client = context.client()
    platform = images.platform_json(options.platform) if options.platform else ""
    return _inspect(
        options.names,
        options.format,
        lambda name: images.inspect(client, name, platform=platform),
    )


def _first(finders: list[Find], name: str) -> Any:
    for find in finders:
        try:
            return find(name)
        except NotFound:
            if len(finders) == 1:
                raise
    raise CliError(f"Error: No such object: {name}")


def _inspect(names: list[str], source: str | None, find: Find) -> int:
    """Print what was found, then raise CliError with what was not."""
    template = Template(source) if source and source != "json" else None
    found, failures = [], []
    for name in names:
        try:
            found.append(find(name))
        except RunnerError as err:
            failures.append(describe(err))
    sys.stdout.write(_shown(found, source, template))
    if failures:
        raise CliError("\n".join(failures))
    return 0


def _shown(found: list[Any], source: str | None, template: Template | None) -> str:
    if template is not None:
        return "".join(template.render(value) + "\n" for value in found) or "\n"
    if source == "json":
        return json_text(found) + "\n"
    return jsontext.indent(found) + "\n"
