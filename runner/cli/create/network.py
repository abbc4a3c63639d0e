"""Endpoints: --network in both forms, the older flags beside it (docker/cli parseNetworkOpts)."""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.cli.values.addresses import is_mac
from runner.cli.values.network import Attachment
from runner.cli.values.numbers import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.declarations.create import ContainerFlags

_BUILT_IN = ("default", "bridge", "host", "none")


def is_user_defined(mode: str) -> bool:
    """Whether the mode names a network that somebody made."""
    return mode not in _BUILT_IN and not mode.startswith("container:")


def mode(options: ContainerFlags) -> str:
    """HostConfig.NetworkMode: the first network's name."""
    return options.network[0].target if options.network else "default"


def endpoints(options: ContainerFlags) -> dict[str, dict[str, Any]]:
    """NetworkingConfig.EndpointsConfig. Raises CliError with docker's text."""
    asked = options.network or [Attachment("default")]
    _apply_older_flags(asked[0], options)
    made: dict[str, dict[str, Any]] = {}
    for attachment in asked:
        endpoint = _endpoint(attachment)
        if attachment.target in made:
            raise CliError(f"network {go_quote(attachment.target)} is specified multiple times")
        made[attachment.target] = endpoint
    if len({is_user_defined(name) for name in made}) > 1:
        raise CliError(
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes"
        )
    if options.network and len(made) == 1 and not any(made.values()):
        return {}  # the engine makes the endpoint of a plain --network NAME itself
    return made


def _apply_older_flags(first: Attachment, options: ContainerFlags) -> None:
    """--network-alias, --link, --ip, … speak of the first network."""
    links = (options.link or []) if is_user_defined(first.target) else []
    for attribute, value, both in (
        ("aliases", options.network_alias, "--network-alias and per-network alias"),
        ("ipv4", options.ip, "--ip and per-network IPv4 address"),
        ("ipv6", options.ip6, "--ip6 and per-network IPv6 address"),
        ("mac", options.mac_address, "--mac-address and per-network MAC address"),
        (
            "link_local",
            options.link_local_ip,
            "--link-local-ip and per-network link-local IP addresses",
        ),
        ("links", links, "--link and per-network links"),
    ):
        if value and getattr(first, attribute):
            raise CliError(f"conflicting options: cannot specify both {both}")
        if value:
            setattr(first, attribute, value)


def _endpoint(asked: Attachment) -> dict[str, Any]:
    if not asked.target.strip():
        raise CliError("no name set for network")
    if not is_user_defined(asked.target):
        if asked.aliases:
            raise CliError("network-scoped aliases are only supported for user-defined networks")
        if asked.links:
            raise CliError("links are only supported for user-defined networks")
    if asked.mac and not is_mac(asked.mac):
        raise CliError(f"{asked.mac} is not a valid mac address")
    addresses = {
        "IPv4Address": asked.ipv4,
        "IPv6Address": asked.ipv6,
        "LinkLocalIPs": asked.link_local,
    }
    settings = {
        "Aliases": asked.aliases,
        "DriverOpts": asked.driver_options,
        "Links": asked.links,
        "IPAMConfig": {key: value for key, value in addresses.items() if value},
        "MacAddress": asked.mac,
        "GwPriority": asked.gateway_priority,
    }
    return {key: value for key, value in settings.items() if value}
