"""`port` (docker/cli runPort)."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError
from runner.cli.format.ports import join
from runner.cli.values.numbers import port_number
from runner.cli.values.order import natural
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import PortOptions

    Published = dict[str, list[dict[str, Any]] | None]


def run(context: Context, options: PortOptions) -> int:
    """Print where a container's ports are published: of all, or of one."""
    container = containers.inspect(context.client(), options.container)
    published: Published = (container.get("NetworkSettings") or {}).get("Ports") or {}
    if options.port:
        places = _places_of(options.port, published, options.container)
    else:
        places = [
            f"{port} -> {_place(binding)}"
            for port, bindings in published.items()
            for binding in bindings or ()
        ]
    for place in sorted(places, key=natural):
        say(place)
    return 0


def _places_of(wanted: str, published: Published, container: str) -> list[str]:
    number, _, protocol = wanted.partition("/")
    try:
        port_number(number)
    except ValueError as err:
        raise CliError(f"Error: invalid port ({number}): {err}") from None
    bindings = published.get(f"{number}/{protocol or 'tcp'}")
    if not bindings:
        raise CliError(f"Error: No public port '{wanted}' published for {container}")
    return [_place(binding) for binding in bindings]


def _place(binding: dict[str, Any]) -> str:
    return join(binding["HostIp"], binding["HostPort"])
