"""Links, addresses and routes as netlink messages (rtnetlink(7)). No I/O."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Final

from runner.network.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Message,
    attribute,
    attributes,
    text,
    u32,
)

_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_NEWADDR: Final = 20
_RTM_GETADDR: Final = 22
_RTM_NEWROUTE: Final = 24
_RTM_GETROUTE: Final = 26

_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_MASTER: Final = 10
_IFLA_LINKINFO: Final = 18
_IFLA_NET_NS_FD: Final = 28
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_IFLA_INFO_SLAVE_KIND: Final = 4
_IFLA_INFO_SLAVE_DATA: Final = 5
_IFLA_BRPORT_MODE: Final = 4
_VETH_INFO_PEER: Final = 1
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_BROADCAST: Final = 4
_RTA_DST: Final = 1
_RTA_GATEWAY: Final = 5

_IFF_UP: Final = 1
_RT_TABLE_MAIN: Final = 254
_RTPROT_BOOT: Final = 3
_RTN_UNICAST: Final = 1

_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")


@dataclass(frozen=True, slots=True)
class Link:
    """An interface. `master` is the index of the bridge that it is a port of, 0 for none."""

    index: int
    name: str
    kind: str
    master: int
    mtu: int
    up: bool


def _link(index: int = 0, *, up: bool = False) -> bytes:
    flags = _IFF_UP if up else 0
    return _LINK.pack(socket.AF_UNSPEC, 0, index, flags, flags)


def _mac(address: str) -> bytes:
    return attribute(_IFLA_ADDRESS, bytes.fromhex(address.replace(":", "")))


def new_bridge(name: str, mac_address: str, mtu: int) -> Message:
    """Make a bridge. With an address of its own it keeps it whatever ports come and go."""
    info = attribute(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, "bridge"))
    payload = _link() + text(_IFLA_IFNAME, name) + _mac(mac_address) + u32(_IFLA_MTU, mtu) + info
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


@dataclass(frozen=True, slots=True)
class Veth:
    """A pair of interfaces: `name` on the host, a port of `master`; `peer` in the namespace behind
    the descriptor `namespace`."""

    name: str
    master: int
    peer: str
    peer_mac_address: str
    namespace: int
    mtu: int


def new_veth(veth: Veth) -> Message:
    """Make the pair at once where its ends belong; the host's end is up, the other is not."""
    peer = (
        _link()
        + text(_IFLA_IFNAME, veth.peer)
        + _mac(veth.peer_mac_address)
        + u32(_IFLA_MTU, veth.mtu)
        + u32(_IFLA_NET_NS_FD, veth.namespace)
    )
    info = attribute(
        _IFLA_LINKINFO,
        text(_IFLA_INFO_KIND, "veth"),
        attribute(_IFLA_INFO_DATA, attribute(_VETH_INFO_PEER, peer)),
    )
    payload = (
        _link(up=True)
        + text(_IFLA_IFNAME, veth.name)
        + u32(_IFLA_MTU, veth.mtu)
        + u32(_IFLA_MASTER, veth.master)
        + info
    )
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def set_hairpin(name: str) -> Message:
    """Let the bridge send frames back through the port that they came from."""
    info = attribute(
        _IFLA_LINKINFO,
        text(_IFLA_INFO_SLAVE_KIND, "bridge"),
        attribute(_IFLA_INFO_SLAVE_DATA, attribute(_IFLA_BRPORT_MODE, b"\1")),
    )
    return Message(_RTM_NEWLINK, 0, _link() + text(_IFLA_IFNAME, name) + info)


def set_up(index: int) -> Message:
    """Bring a link up."""
    return Message(_RTM_NEWLINK, 0, _link(index, up=True))


def delete_link(name: str) -> Message:
    """Remove a link; of a veth pair both ends go."""
    return Message(_RTM_DELLINK, 0, _link() + text(_IFLA_IFNAME, name))


def get_link(name: str) -> Message:
    """Ask for one link; `parse_link` reads the answer."""
    return Message(_RTM_GETLINK, 0, _link() + text(_IFLA_IFNAME, name))


def get_links() -> Message:
    """Dump all links; `parse_link` reads each."""
    return Message(_RTM_GETLINK, 0, _link())


def parse_link(payload: bytes) -> Link:
    """The link in an answer."""
    _, _, index, flags, _ = _LINK.unpack_from(payload)
    found = attributes(payload[_LINK.size :])
    info = attributes(found.get(_IFLA_LINKINFO, b""))
    return Link(
        index=index,
        name=_string(found.get(_IFLA_IFNAME, b"")),
        kind=_string(info.get(_IFLA_INFO_KIND, b"")),
        master=_number(found.get(_IFLA_MASTER, b"")),
        mtu=_number(found.get(_IFLA_MTU, b"")),
        up=bool(flags & _IFF_UP),
    )


def new_address(index: int, address: IPv4Interface) -> Message:
    """Give a link an address."""
    payload = (
        _ADDRESS.pack(socket.AF_INET, address.network.prefixlen, 0, 0, index)
        + attribute(_IFA_LOCAL, address.ip.packed)
        + attribute(_IFA_ADDRESS, address.ip.packed)
        + attribute(_IFA_BROADCAST, address.network.broadcast_address.packed)
    )
    return Message(_RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, payload)


def get_addresses() -> Message:
    """Dump all IPv4 addresses; `parse_address` reads each."""
    return Message(_RTM_GETADDR, 0, _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0))


def parse_address(payload: bytes) -> tuple[int, IPv4Interface]:
    """The link's index and the address in an answer."""
    _, prefix_length, _, _, index = _ADDRESS.unpack_from(payload)
    found = attributes(payload[_ADDRESS.size :])
    local = found.get(_IFA_LOCAL) or found[_IFA_ADDRESS]
    return index, IPv4Interface((IPv4Address(local), prefix_length))


def new_default_route(gateway: IPv4Address) -> Message:
    """Send what is for nobody on the link through `gateway`."""
    return Message(
        _RTM_NEWROUTE,
        NLM_F_CREATE | NLM_F_REPLACE,
        _ROUTE.pack(socket.AF_INET, 0, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, 0, _RTN_UNICAST, 0)
        + attribute(_RTA_GATEWAY, gateway.packed),
    )


def get_routes() -> Message:
    """Dump all IPv4 routes; `parse_route` reads each."""
    return Message(_RTM_GETROUTE, 0, _ROUTE.pack(socket.AF_INET, *[0] * 8))


def parse_route(payload: bytes) -> IPv4Network:
    """The destination of the route in an answer; 0.0.0.0/0 for a default route."""
    prefix_length = _ROUTE.unpack_from(payload)[1]
    found = attributes(payload[_ROUTE.size :])
    return IPv4Network((found.get(_RTA_DST, bytes(4)), prefix_length))


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little" if struct.pack("=H", 1)[0] else "big")
