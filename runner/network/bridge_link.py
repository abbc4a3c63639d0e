"""The bridge and its veth pairs as interfaces of the host (libnetwork bridge setup_*.go, osl).

All functions block and raise OSError, but for what they say. `Netlink` is the host's.
"""

from __future__ import annotations

import errno
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.linux.namespaces import Clone, setns
from runner.network import netns
from runner.network import rtnetlink as rt
from runner.network.netlink import Netlink
from runner.network.subnets import choose_subnet
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Interface

    from runner.network.records import BridgeConfig

_IPV4: Final = Path("/proc/sys/net/ipv4")
_IPV6: Final = Path("/proc/sys/net/ipv6")
_MAX_NAME: Final = 15


@dataclass(frozen=True, slots=True)
class BridgeNetwork:
    """A bridge that is up. `address` is the gateway's, with the subnet's prefix length."""

    id: str
    name: str
    index: int
    address: IPv4Interface
    mtu: int

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the bridge."""
        return self.address.ip


def validate_name(name: str) -> None:
    """Raises InvalidParameter for what cannot name an interface (and a chain)."""
    if not name or len(name) > _MAX_NAME or name in (".", "..") or set(name) & set("/: \t\n!+\"'"):
        raise InvalidParameter(f"invalid bridge name: {name!r}")


def generate_random_mac() -> str:
    """A random unicast address, marked as locally administered (netutils.GenerateRandomMAC)."""
    first, *others = secrets.token_bytes(6)
    return bytes(((first & 0xFE) | 0x02, *others)).hex(":")


def setup_bridge(host: Netlink, config: BridgeConfig) -> BridgeNetwork:
    """Make the bridge, or take the one that is there, and ready it (bridge createNetwork).

    Raises InvalidParameter when there is something else of that name, System when no subnet is
    free.
    """
    validate_name(config.name)
    link = _ensure_link(host, config)
    address = _ensure_address(host, config, link.index)
    _setup_sysctls(config.name)
    if not link.up:
        host.execute(rt.set_up(link.index))
    return BridgeNetwork(config.network_id, config.name, link.index, address, config.mtu)


def _ensure_link(host: Netlink, config: BridgeConfig) -> rt.Link:
    link = find_link(host, config.name)
    if link is None:
        host.execute(rt.new_bridge(config.name, generate_random_mac(), config.mtu))
        link = rt.parse_link(host.ask(rt.get_link(config.name)))
    if link.kind != "bridge":
        raise InvalidParameter(f"existing interface {config.name} is not a bridge")
    return link


def _ensure_address(host: Netlink, config: BridgeConfig, index: int) -> IPv4Interface:
    """bridge electBridgeIPv4, setupBridgeIPv4."""
    addresses = [rt.parse_address(answer) for answer in host.dump(rt.get_addresses())]
    present = [address for owner, address in addresses if owner == index]
    if config.bip is None and present:
        return present[0]
    routes = map(rt.parse_route, host.dump(rt.get_routes()))
    wanted = config.bip or choose_subnet(routes)
    if wanted not in present:
        host.execute(rt.new_address(index, wanted))
    return wanted


def _setup_sysctls(bridge: str) -> None:
    # Published ports are reached by 127.0.0.1 too: packets with that address leave by the bridge.
    _write_setting(_IPV4 / "conf" / bridge / "route_localnet", "1")
    router_advertisements = _IPV6 / "conf" / bridge / "accept_ra"
    if router_advertisements.exists():  # containers shall not configure the host
        _write_setting(router_advertisements, "0")


def _write_setting(setting: Path, value: str) -> None:
    if setting.read_text().strip() != value:
        setting.write_text(f"{value}\n")


def find_link(host: Netlink, name: str) -> rt.Link | None:
    """The link of that name, if there is one."""
    try:
        return rt.parse_link(host.ask(rt.get_link(name)))
    except OSError as err:
        if err.errno != errno.ENODEV:
            raise
        return None


@dataclass(frozen=True, slots=True)
class Interface:
    """What an endpoint brings into its sandbox. `host_name` is the other end."""

    name: str
    host_name: str
    mac_address: str
    address: IPv4Interface
    gateway: IPv4Address


def generate_interface_name() -> str:
    """A name for the host's end of a pair (netutils.GenerateIfaceName)."""
    return f"veth{secrets.token_hex(4)[:7]}"


def create_interface(host: Netlink, network: BridgeNetwork, key: Path, wanted: Interface) -> None:
    """Join the sandbox at `key` to the network, and stay in the sandbox's namespace
    (bridge CreateEndpoint, osl AddInterface)."""
    namespace = os.open(key, os.O_RDONLY | os.O_CLOEXEC)
    try:
        veth = rt.Veth(
            name=wanted.host_name,
            master=network.index,
            peer=wanted.name,
            peer_mac_address=wanted.mac_address,
            namespace=namespace,
            mtu=network.mtu,
        )
        host.execute(rt.new_veth(veth), rt.set_hairpin(veth.name))
        setns(namespace, Clone.NEWNET)
    finally:
        os.close(namespace)
    _configure_interface(wanted)


def _configure_interface(wanted: Interface) -> None:
    netns.disable_ipv6(wanted.name)
    with Netlink() as sandbox:
        index = rt.parse_link(sandbox.ask(rt.get_link(wanted.name))).index
        sandbox.execute(
            rt.new_address(index, wanted.address),
            rt.set_up(index),
            rt.new_default_route(wanted.gateway),
        )


def delete_interface(host: Netlink, name: str) -> None:
    """Remove a pair by its end on the host. Idempotent."""
    try:
        host.execute(rt.delete_link(name))
    except OSError as err:
        if err.errno != errno.ENODEV:
            raise


def delete_bridge(host: Netlink, name: str) -> None:
    """Remove a bridge with the pairs that are its ports. Idempotent."""
    link = find_link(host, name)
    if link is not None and link.kind == "bridge":
        for port in ports(host, name):
            delete_interface(host, port)
        delete_interface(host, name)


def ports(host: Netlink, bridge: str) -> list[str]:
    """The veth pairs that are ports of a bridge, by their ends on the host."""
    links = [rt.parse_link(answer) for answer in host.dump(rt.get_links())]
    masters = {link.index for link in links if link.name == bridge}
    return sorted(link.name for link in links if link.master in masters and link.kind == "veth")
