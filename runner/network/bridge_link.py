"""The bridge and its veth pairs as interfaces of the host (libnetwork bridge setup_*.go, osl).

All functions block and raise OSError, but for what they say. `Netlink` is the host's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.linux.namespaces import Clone, setns
from runner.network import netns
from runner.network import rtnetlink as rt
from runner.network.interface import Interface, configure_interface
from runner.network.records import Pool
from runner.network.subnets import choose_subnet
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from ipaddress import IPv4Address

    from runner.network.ip import IPInterface
    from runner.network.netlink import Netlink
    from runner.network.records import BridgeConfig

_IPV4: Final = Path("/proc/sys/net/ipv4")
_IPV6: Final = Path("/proc/sys/net/ipv6")
_BRIDGE_FILTERS: Final = Path("/proc/sys/net/bridge")
_FILTER_NAMES: Final = {4: "bridge-nf-call-iptables", 6: "bridge-nf-call-ip6tables"}
_MAX_NAME: Final = 15


@dataclass(frozen=True, slots=True)
class BridgeNetwork:
    """A bridge that is up. `pools` are the network's subnets with their gateways; `address` and
    `address6` are the bridge's own, where it has them."""

    id: str
    name: str
    index: int
    pools: tuple[Pool, ...]
    mtu: int
    address: IPv4Interface | None = None
    address6: IPv6Interface | None = None

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the bridge. Only asked of the default network."""
        assert self.address is not None
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
    if config.pools:
        pools, address, address6 = _configured(config)
        _ensure_addresses(host, link.index, [own for own in (address, address6) if own])
    else:
        address, address6 = _ensure_address(host, config, link.index), None
        pools = (Pool(str(address.network), str(address.ip)),)
    _setup_sysctls(config.name)
    if not link.up:
        host.execute(rt.set_up(link.index))
    return BridgeNetwork(
        config.network_id, config.name, link.index, pools, config.mtu, address, address6
    )


def _configured(
    config: BridgeConfig,
) -> tuple[tuple[Pool, ...], IPv4Interface | None, IPv6Interface | None]:
    """The network's pools, and the bridge's addresses by them."""
    address: IPv4Interface | None = None
    address6: IPv6Interface | None = None
    for pool in config.pools:
        if not pool.gateway:
            continue
        own = ip_interface(f"{pool.gateway}/{pool.subnet.partition('/')[2]}")
        if isinstance(own, IPv6Interface):
            address6 = own
        elif config.host_address4:
            address = own
    return config.pools, address, address6


def _ensure_link(host: Netlink, config: BridgeConfig) -> rt.Link:
    link = find_link(host, config.name)
    if link is None:
        host.execute(rt.new_bridge(config.name, generate_random_mac(), config.mtu))
        link = rt.parse_link(host.ask(rt.get_link(config.name)))
    if link.kind != "bridge":
        raise InvalidParameter(f"existing interface {config.name} is not a bridge")
    return link


def _ensure_address(host: Netlink, config: BridgeConfig, index: int) -> IPv4Interface:
    """The default bridge's (bridge electBridgeIPv4, setupBridgeIPv4)."""
    present = _addresses(host, index, 4)
    kept = next((own for own in present if isinstance(own, IPv4Interface)), None)
    if config.bip is None and kept is not None:
        return kept
    routes = map(rt.parse_route, host.dump(rt.get_routes()))
    wanted = config.bip or choose_subnet(routes)
    if wanted not in present:
        host.execute(rt.new_address(index, wanted))
    return wanted


def _ensure_addresses(host: Netlink, index: int, wanted: Sequence[IPInterface]) -> None:
    """setupBridgeIPv4, setupBridgeIPv6."""
    for own in wanted:
        if own.version == 6:
            netns.allow_ipv6(socket.if_indextoname(index))
        if own not in _addresses(host, index, own.version):
            host.execute(rt.new_address(index, own))


def _addresses(host: Netlink, index: int, version: int) -> list[IPInterface]:
    answers = map(rt.parse_address, host.dump(rt.get_addresses(version)))
    return [address for owner, address in answers if owner == index]


def _setup_sysctls(bridge: str) -> None:
    # Published ports are reached by 127.0.0.1 too: packets with that address leave by the bridge.
    _write_setting(_IPV4 / "conf" / bridge / "route_localnet", "1")
    router_advertisements = _IPV6 / "conf" / bridge / "accept_ra"
    if router_advertisements.exists():  # containers shall not configure the host
        _write_setting(router_advertisements, "0")


def filter_neighbours(versions: Collection[int]) -> bool:
    """Have the firewall see what goes from one port of a bridge to another (bridge
    setupIPv4BridgeNetFiltering). False where the kernel cannot: then ports are to be isolated."""
    if not _BRIDGE_FILTERS.is_dir():
        with contextlib.suppress(FileNotFoundError):  # without modprobe nothing can be loaded
            subprocess.run(["modprobe", "--quiet", "br_netfilter"], check=False)
    settings = [_BRIDGE_FILTERS / _FILTER_NAMES[version] for version in versions]
    if not all(setting.exists() for setting in settings):
        return False
    for setting in settings:
        _write_setting(setting, "1")
    return True


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


def exists(name: str) -> bool:
    """Whether the host has an interface of that name. Does not block."""
    try:
        socket.if_nametoindex(name)
    except (OSError, ValueError):  # a name that no interface can have
        return False
    return True


def generate_interface_name() -> str:
    """A name for the host's end of a pair (netutils.GenerateIfaceName)."""
    return f"veth{secrets.token_hex(4)[:7]}"


def create_interface(
    host: Netlink, network: BridgeNetwork, key: Path, wanted: Interface, *, isolated: bool
) -> None:
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
        host.execute(rt.new_veth(veth), rt.set_port(veth.name, isolated=isolated))
        setns(namespace, Clone.NEWNET)
    finally:
        os.close(namespace)
    configure_interface(wanted)


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
