"""The networks that the host knows of, and that ours must not hide (netutils
InferReservedNetworks): those on its links, and its name servers."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from runner.network import rtnetlink as rt
from runner.network.netlink import Netlink
from runner.network.resolvconf import HOST_PATH, parse_resolv_conf

if TYPE_CHECKING:
    from runner.network.ip import IPNetwork


def occupied_networks() -> list[IPNetwork]:
    """Of both families. Blocks. Raises OSError."""
    with Netlink() as host:
        found = [
            rt.parse_address(answer)[1].network
            for version in (4, 6)
            for answer in host.dump(rt.get_addresses(version))
        ]
    return [network for network in found if network.prefixlen > 0] + _name_servers()


def _name_servers() -> list[IPNetwork]:
    try:
        text = Path(HOST_PATH).read_text(errors="replace")
    except OSError:
        return []
    servers = parse_resolv_conf(text).nameservers
    return [ip_network(ip_address(str(server).partition("%")[0])) for server in servers]
