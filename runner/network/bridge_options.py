"""The options of bridge networks (libnetwork bridge fromLabels, parseNetworkOptions). No I/O."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from runner.network.records import BridgeConfig, NetworkRecord
from runner.types.errors import InvalidParameter, NotImplementedYet, RunnerError
from runner.types.gotext import atoi, parse_bool, quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.network.ip import IPAddress

_PREFIX: Final = "com.docker.network."
NAME: Final = f"{_PREFIX}bridge.name"
DEFAULT_MTU: Final = 1500
_INTERFACE: Final = re.compile(r"[\w.@+-]{1,15}", re.ASCII)
"""An interface, or with a plus sign at the end all whose names begin so."""
_GATEWAY_MODES: Final = ("nat", "nat-unprotected", "routed", "isolated")


def _address(text: str) -> IPAddress:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError("nil ip") from None


def _gateway_mode(text: str) -> str:
    if text not in _GATEWAY_MODES:
        raise ValueError(f"unknown gateway mode {text}")
    return text


def _interfaces(text: str) -> tuple[str, ...]:
    """What dockerd leaves to iptables to judge."""
    names = tuple(filter(None, text.split(":")))
    for name in names:
        if not _INTERFACE.fullmatch(name):
            raise ValueError(f"invalid interface name {quote(name)}")
    return names


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    NAME: str,
    f"{_PREFIX}driver.mtu": atoi,
    f"{_PREFIX}enable_ipv4": parse_bool,
    f"{_PREFIX}enable_ipv6": parse_bool,
    f"{_PREFIX}bridge.enable_ip_masquerade": parse_bool,
    f"{_PREFIX}bridge.gateway_mode_ipv4": _gateway_mode,
    f"{_PREFIX}bridge.gateway_mode_ipv6": _gateway_mode,
    f"{_PREFIX}bridge.enable_icc": parse_bool,
    f"{_PREFIX}bridge.trusted_host_interfaces": _interfaces,
    f"{_PREFIX}bridge.inhibit_ipv4": parse_bool,
    f"{_PREFIX}bridge.default_bridge": parse_bool,
    f"{_PREFIX}bridge.host_binding_ipv4": _address,
    f"{_PREFIX}container_iface_prefix": str,
    f"{_PREFIX}host_ipv4": _address,
    f"{_PREFIX}host_ipv6": _address,
}


def read_options(record: NetworkRecord) -> dict[str, Any]:
    """The options by their names without prefix. Raises InvalidParameter for a bad value, and
    NotImplementedYet for what this engine cannot do."""
    found: dict[str, Any] = {}
    for name, text in record.options.items():
        reader = _READERS.get(name)
        if reader is None:
            continue
        try:
            found[name.removeprefix(_PREFIX)] = reader(text)
        except ValueError as err:
            raise InvalidParameter(f"failed to parse {name} value: {text} ({err})") from err
    _check(found, record)
    return found


def _check(found: dict[str, Any], record: NetworkRecord) -> None:
    modes = [found.get(f"bridge.gateway_mode_ipv{version}") for version in (4, 6)]
    if "isolated" in modes and not record.internal:
        raise RunnerError("gateway mode 'isolated' can only be used for an internal network")
    if "routed" in modes:
        raise NotImplementedYet("gateway mode routed is not supported")
    if found.get("bridge.default_bridge"):
        raise NotImplementedYet("another default bridge is not supported")


def needs_gateway(record: NetworkRecord, version: int) -> bool:
    """Whether the bridge wants an address of the family for itself (GetSkipGwAlloc). Raises
    InvalidParameter."""
    found = read_options(record)
    if found.get(f"bridge.gateway_mode_ipv{version}") == "isolated":
        return False
    return not (version == 4 and found.get("bridge.inhibit_ipv4") and record.internal)


def bridge_name(record: NetworkRecord) -> str:
    """The one asked for, or one made of the network's ID."""
    return record.options.get(NAME) or f"br-{record.id[:12]}"


def bridge_config(record: NetworkRecord) -> BridgeConfig:
    """What the driver is to make of a network. Raises InvalidParameter."""
    found = read_options(record)
    if (mtu := found.get("driver.mtu", 0)) < 0:
        raise InvalidParameter(f"invalid MTU number: {mtu}")
    return BridgeConfig(
        network_id=record.id,
        name=record.host_interface or bridge_name(record),
        mtu=mtu or DEFAULT_MTU,
        network=record.name,
        pools=record.pools,
        internal=record.internal,
        icc=found.get("bridge.enable_icc", True),
        masquerade=found.get("bridge.enable_ip_masquerade", True),
        binding=found.get("bridge.host_binding_ipv4"),
        source4=found.get("host_ipv4"),
        source6=found.get("host_ipv6"),
        trusted=found.get("bridge.trusted_host_interfaces", ()),
        unprotected4=found.get("bridge.gateway_mode_ipv4") == "nat-unprotected",
        unprotected6=found.get("bridge.gateway_mode_ipv6") == "nat-unprotected",
        host_address4=not found.get("bridge.inhibit_ipv4", False),
        prefix=found.get("container_iface_prefix") or "eth",
        made=record.made,
    )
