"""`network create` (docker/cli network.runCreate)."""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError
from runner.cli.values.addresses import contains, parse_cidr
from runner.client import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.network import CreateOptions

    Configs = dict[str, dict[str, Any]]
    """Subnets with what belongs to each."""


def run(context: Context, options: CreateOptions) -> int:
    """Make a network and print its ID."""
    body: dict[str, Any] = {
        "Name": options.network,
        "Driver": options.driver,
        "Scope": options.scope,
        "IPAM": {
            "Driver": options.ipam_driver,
            "Options": dict(options.ipam_opt or ()),
            "Config": list(_configs(options).values()),
        },
        "Internal": options.internal,
        "Attachable": options.attachable,
        "Ingress": options.ingress,
        "ConfigOnly": options.config_only,
        "ConfigFrom": {"Network": options.config_from} if options.config_from else None,
        "Options": dict(options.opt or ()),
        "Labels": dict(_labels(options)),
    }
    families = {"EnableIPv4": options.ipv4, "EnableIPv6": options.ipv6}
    body |= {name: value for name, value in families.items() if value is not None}
    say(networks.create(context.client(), body)["Id"])
    return 0


def _labels(options: CreateOptions) -> list[tuple[str, str]]:
    parts = [label.partition("=") for label in options.label or ()]
    return [(key, value) for key, _, value in parts]


def _configs(options: CreateOptions) -> Configs:
    """Ranges, gateways and other addresses, each with the subnet that it is of
    (createIPAMConfig)."""
    subnets = _flat(options.subnet)
    ranges, gateways = _flat(options.ip_range), _flat(options.gateway)
    if len(subnets) < max(len(ranges), len(gateways)):
        raise CliError("every ip-range or gateway must have a corresponding subnet")
    configs: Configs = {}
    for subnet in subnets:
        if any(_matches(subnet, other) or _matches(other, subnet) for other in configs):
            raise CliError("multiple overlapping subnet configuration is not supported")
        configs[subnet] = {"Subnet": subnet}
    for text in ranges:
        _check_cidr(text)
        _assign(configs, "IPRange", text, ("ranges", "on"), "range")
    for text in gateways:
        _assign(configs, "Gateway", text, ("gateways", "for"), "gateway")
    for name, address in options.aux_address or ():
        found = [configs[subnet] for subnet in configs if _matches(subnet, address)]
        if not found:
            raise CliError(f"no matching subnet for aux-address {address}")
        for config in found:
            config.setdefault("AuxiliaryAddresses", {})[name] = address
    return configs


def _flat(given: list[list[str]] | None) -> list[str]:
    return [text for texts in given or () for text in texts]


def _assign(configs: Configs, key: str, text: str, words: tuple[str, str], kind: str) -> None:
    found = [config for subnet, config in configs.items() if _matches(subnet, text)]
    if not found:
        raise CliError(f"no matching subnet for {kind} {text}")
    for config in found:
        if key in config:
            several, where = words
            raise CliError(
                f"cannot configure multiple {several} ({text}, {config[key]}) {where} the same"
                f" subnet ({config['Subnet']})"
            )
        config[key] = text


def _matches(subnet: str, text: str) -> bool:
    """Whether an address, or the one of a subnet, is of a subnet (subnetMatches)."""
    _check_cidr(subnet, "invalid subnet: ")
    try:
        return contains(subnet, text)
    except ValueError as err:
        raise CliError(str(err)) from err


def _check_cidr(text: str, prefix: str = "") -> None:
    try:
        parse_cidr(text)
    except ValueError as err:
        raise CliError(f"{prefix}{err}") from err
