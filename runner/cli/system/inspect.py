"""`inspect` of all objects, and of one kind of them (docker/cli inspect)."""

from __future__ import annotations

import sys

from runner.cli.context import warn
from runner.cli.errors import CliError, describe
from runner.cli.values.numbers import go_quote
from runner.client import containers, images, jsontext, networks, volumes
from runner.client.errors import RouteMissing
from runner.types.errors import NotFound, RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import ContainerInspectOptions, InspectOptions
    from runner.cli.declarations.image import ImageInspectOptions
    from runner.cli.declarations.network import InspectOptions as NetworkInspectOptions
    from runner.cli.declarations.volume import InspectOptions as VolumeInspectOptions

    Find = Callable[[str], Any]
    Found = tuple[str, Any]
    """What kind of object it is, and what the engine says of it."""

_DECLARED = {
    "container": "container.InspectResponse",
    "image": "image.InspectResponse",
    "network": "network.Inspect",
    "volume": "volume.Volume",
}
"""The declared type of each kind, in the order in which a name is looked for."""
_OTHERS = ("config", "node", "plugin", "secret", "service", "task")
_ANY_OF = "must be one of " + ", ".join(f'"{kind}"' for kind in sorted((*_DECLARED, *_OTHERS)))


def run(context: Context, options: InspectOptions) -> int:
    """Objects of the kind asked for, else of whichever has the name."""
    if options.type == "":
        raise CliError(f"type is empty: {_ANY_OF}")
    if options.type in _OTHERS:
        raise CliError(f'"--type {options.type}" is not supported by runner')
    if options.type is not None and options.type not in _DECLARED:
        raise CliError(f"unknown type: {go_quote(options.type)}: {_ANY_OF}")
    client = context.client()
    finders: dict[str, Find] = {
        "container": lambda name: containers.inspect(client, name, size=options.size),
        "image": lambda name: images.inspect(client, name),
        "network": lambda name: networks.inspect(client, name),
        "volume": lambda name: volumes.inspect(client, name),
    }

    def find(name: str) -> Found:
        kind = options.type or ""
        found = (kind, finders[kind](name)) if kind else _first(finders, name)
        if options.size and found[0] != "container":
            warn(f"WARNING: --size ignored for {found[0]}")
        return found

    return _inspect(options.names, options.format or "", find)


def run_container(context: Context, options: ContainerInspectOptions) -> int:
    """Containers only."""
    client = context.client()

    def find(name: str) -> Found:
        return "container", containers.inspect(client, name, size=options.size)

    return _inspect(options.names, options.format or "", find)


def run_image(context: Context, options: ImageInspectOptions) -> int:
    """Images only."""
    from runner.cli.platform import as_json

    platform = as_json(options.platform, "")
    client = context.client()

    def find(name: str) -> Found:
        return "image", images.inspect(client, name, platform=platform)

    return _inspect(options.names, options.format or "", find)


def run_network(context: Context, options: NetworkInspectOptions) -> int:
    """Networks only."""
    client = context.client()

    def find(name: str) -> Found:
        return "network", networks.inspect(client, name, verbose=options.verbose)

    return _inspect(options.names, options.format or "", find)


def run_volume(context: Context, options: VolumeInspectOptions) -> int:
    """Volumes only."""
    client = context.client()

    def find(name: str) -> Found:
        return "volume", volumes.inspect(client, name)

    return _inspect(options.names, options.format or "", find, typed=True)


def _first(finders: dict[str, Find], name: str) -> Found:
    for kind, find in finders.items():
        try:
            return kind, find(name)
        except RunnerError as err:
            if not _means_none(err):
                raise
    raise CliError(f"Error: No such object: {name}")


def _means_none(error: RunnerError) -> bool:
    """Whether another kind of object may still have the name (docker/cli isErrSkippable)."""
    texts = ("not supported", "invalid reference format")
    return isinstance(error, NotFound | RouteMissing) or any(text in str(error) for text in texts)


def _inspect(
    names: list[str], layout: str, find: Callable[[str], Found], *, typed: bool = False
) -> int:
    """Print what was found, then raise CliError with what was not.

    Where docker's client keeps of an answer only what its type declares, it is `typed`: templates
    see nothing else, and its JSON is written by Go, not as it came.
    """
    show = _templated(layout, typed=typed) if layout not in ("", "json") else None
    shown: list[Any] = []
    failures: list[str] = []
    for name in names:
        try:
            kind, document = find(name)
            shown.append(show(kind, document) if show else document)
        except RunnerError as err:
            failures.append(describe(err))
    if show:
        text = "".join(f"{text}\n" for text in shown) or "\n"
    else:
        text = (jsontext.compact(shown) if layout else jsontext.indent(shown)) + "\n"
        text = jsontext.escape_html(text) if typed else text
    sys.stdout.write(text)
    if failures:
        raise CliError("\n".join(failures))
    return 0


def _templated(layout: str, *, typed: bool) -> Callable[[str, Any], str]:
    from runner.cli.format import documents

    template = documents.parse(layout)
    return lambda kind, document: documents.render(template, _DECLARED[kind], document, typed=typed)
