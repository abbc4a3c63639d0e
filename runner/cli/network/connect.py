"""`network connect` and `network disconnect` (docker/cli network.runConnect, runDisconnect)."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.client import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.network import ConnectOptions, DisconnectOptions


def run(context: Context, options: ConnectOptions) -> int:
    """Put a container on a network."""
    addresses = {
        "IPv4Address": options.ip,
        "IPv6Address": options.ip6,
        "LinkLocalIPs": _flat(options.link_local_ip),
    }
    settings: dict[str, Any] = {
        "IPAMConfig": {key: value for key, value in addresses.items() if value},
        "Links": options.link or None,
        "Aliases": _flat(options.alias),
        "DriverOpts": _driver_options(_flat(options.driver_opt)),
        "GwPriority": options.gw_priority or 0,
    }
    networks.connect(context.client(), options.network, options.container, settings)
    return 0


def _flat(given: list[list[str]] | None) -> list[str]:
    return [text for texts in given or () for text in texts]


def _driver_options(given: list[str]) -> dict[str, str]:
    """convertDriverOpt."""
    options: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise CliError("invalid key/value pair format in driver options")
        options[name.strip()] = value.strip()
    return options


def run_disconnect(context: Context, options: DisconnectOptions) -> int:
    """Take a container off a network."""
    client = context.client()
    networks.disconnect(client, options.network, options.container, force=options.force)
    return 0
