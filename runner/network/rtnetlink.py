"""Links, addresses and routes as netlink messages (rtnetlink(7)). No I/O."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Final

from runner.network.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Message,
    attribute,
    attributes,
    text,
    u16,
    u32,
)

if TYPE_CHECKING:
    from runner.network.ip import IPAddress, IPInterface, IPNetwork

_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_NEWADDR: Final = 20
_RTM_GETADDR: Final = 22
_RTM_NEWROUTE: Final = 24
_RTM_DELROUTE: Final = 25
_RTM_GETROUTE: Final = 26

_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_LINK: Final = 5
_IFLA_MASTER: Final = 10
_IFLA_TXQLEN: Final = 13
_IFLA_LINKINFO: Final = 18
_IFLA_NET_NS_FD: Final = 28
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_IFLA_INFO_SLAVE_KIND: Final = 4
_IFLA_INFO_SLAVE_DATA: Final = 5
_IFLA_BRPORT_MODE: Final = 4
_IFLA_BRPORT_ISOLATED: Final = 33
_IFLA_MACVLAN_MODE: Final = 1
_IFLA_IPVLAN_MODE: Final = 1
_IFLA_IPVLAN_FLAGS: Final = 2
_IFLA_VLAN_ID: Final = 1
_VETH_INFO_PEER: Final = 1
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_BROADCAST: Final = 4
_IFA_F_NODAD: Final = 0x02
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5

_IFF_UP: Final = 1
_RT_TABLE_MAIN: Final = 254
_RT_SCOPE_LINK: Final = 253
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
    """Make the pair at once where its ends belong; the host's end is up, the other is not.

    Neither has a queue (libnetwork: TxQLen 0): what one sends the other has received.
    """
    peer = (
        _link()
        + text(_IFLA_IFNAME, veth.peer)
        + _mac(veth.peer_mac_address)
        + u32(_IFLA_MTU, veth.mtu)
        + u32(_IFLA_TXQLEN, 0)
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
        + u32(_IFLA_TXQLEN, 0)
        + u32(_IFLA_MASTER, veth.master)
        + info
    )
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def set_port(name: str, *, isolated: bool) -> Message:
    """Ready a port of a bridge: frames may go back through the port that they came from. Isolated
    ports get nothing from one another."""
    data = attribute(_IFLA_BRPORT_MODE, b"\1")
    if isolated:
        data += attribute(_IFLA_BRPORT_ISOLATED, b"\1")
    info = attribute(
        _IFLA_LINKINFO,
        text(_IFLA_INFO_SLAVE_KIND, "bridge"),
        attribute(_IFLA_INFO_SLAVE_DATA, data),
    )
    return Message(_RTM_NEWLINK, 0, _link() + text(_IFLA_IFNAME, name) + info)


MACVLAN_MODES: Final = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
IPVLAN_MODES: Final = {"l2": 0, "l3": 1, "l3s": 2}
IPVLAN_FLAGS: Final = {"bridge": 0, "private": 1, "vepa": 2}


@dataclass(frozen=True, slots=True)
class Slave:
    """An interface of its own on top of the link `parent`, in the namespace behind the descriptor
    `namespace`. `kind` is macvlan or ipvlan."""

    kind: str
    name: str
    parent: int
    mode: int
    flags: int
    mac_address: str
    namespace: int


def new_slave(slave: Slave) -> Message:
    """Make it where it belongs; it is not up."""
    if slave.kind == "macvlan":
        data = u32(_IFLA_MACVLAN_MODE, slave.mode)
    else:
        data = u16(_IFLA_IPVLAN_MODE, slave.mode) + u16(_IFLA_IPVLAN_FLAGS, slave.flags)
    payload = (
        _link()
        + text(_IFLA_IFNAME, slave.name)
        + u32(_IFLA_LINK, slave.parent)
        + u32(_IFLA_NET_NS_FD, slave.namespace)
        + (_mac(slave.mac_address) if slave.mac_address else b"")
        + attribute(
            _IFLA_LINKINFO, text(_IFLA_INFO_KIND, slave.kind), attribute(_IFLA_INFO_DATA, data)
        )
    )
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def new_vlan(name: str, parent: int, tag: int) -> Message:
    """Make the subinterface of `parent` for frames with a VLAN's tag."""
    info = attribute(
        _IFLA_LINKINFO,
        text(_IFLA_INFO_KIND, "vlan"),
        attribute(_IFLA_INFO_DATA, u16(_IFLA_VLAN_ID, tag)),
    )
    payload = _link() + text(_IFLA_IFNAME, name) + u32(_IFLA_LINK, parent) + info
    return Message(_RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload)


def new_dummy(name: str) -> Message:
    """Make an interface that leads nowhere."""
    info = attribute(_IFLA_LINKINFO, text(_IFLA_INFO_KIND, "dummy"))
    return Message(
        _RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, _link() + text(_IFLA_IFNAME, name) + info
    )


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


def new_address(index: int, address: IPInterface) -> Message:
    """Give a link an address. IPv6 ones are usable at once: nobody else can have them."""
    network = address.network
    payload = attribute(_IFA_LOCAL, address.ip.packed) + attribute(_IFA_ADDRESS, address.ip.packed)
    if address.version == 4:
        payload += attribute(_IFA_BROADCAST, network.broadcast_address.packed)
    flags = _IFA_F_NODAD if address.version == 6 else 0
    header = _ADDRESS.pack(_family(address.version), network.prefixlen, flags, 0, index)
    return Message(_RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header + payload)


def get_addresses(version: int = 4) -> Message:
    """Dump all addresses of a family; `parse_address` reads each."""
    return Message(_RTM_GETADDR, 0, _ADDRESS.pack(_family(version), 0, 0, 0, 0))


def parse_address(payload: bytes) -> tuple[int, IPInterface]:
    """The link's index and the address in an answer."""
    _, prefix_length, _, _, index = _ADDRESS.unpack_from(payload)
    found = attributes(payload[_ADDRESS.size :])
    local = found.get(_IFA_LOCAL) or found[_IFA_ADDRESS]
    return index, ip_interface((ip_address(local), prefix_length))


def new_default_route(gateway: IPAddress) -> Message:
    """Send what is for nobody on the link through `gateway`."""
    return Message(
        _RTM_NEWROUTE,
        NLM_F_CREATE | NLM_F_REPLACE,
        _route(gateway.version) + attribute(_RTA_GATEWAY, gateway.packed),
    )


def new_default_link_route(index: int, version: int) -> Message:
    """Send what is for nobody else through a link, as if all the world were on it."""
    return Message(
        _RTM_NEWROUTE,
        NLM_F_CREATE | NLM_F_REPLACE,
        _route(version, scope=_RT_SCOPE_LINK) + u32(_RTA_OIF, index),
    )


def delete_default_route(version: int) -> Message:
    """Take the default route of a family away."""
    return Message(_RTM_DELROUTE, 0, _route(version, any_kind=True))


def _route(version: int, *, scope: int = 0, any_kind: bool = False) -> bytes:
    """The header of a default route."""
    protocol, kind = (0, 0) if any_kind else (_RTPROT_BOOT, _RTN_UNICAST)
    return _ROUTE.pack(_family(version), 0, 0, 0, _RT_TABLE_MAIN, protocol, scope, kind, 0)


def get_routes(version: int = 4) -> Message:
    """Dump all routes of a family; `parse_route` reads each."""
    return Message(_RTM_GETROUTE, 0, _ROUTE.pack(_family(version), *[0] * 8))


def parse_route(payload: bytes) -> IPNetwork:
    """The destination of the route in an answer; 0.0.0.0/0 or ::/0 for a default route."""
    family, prefix_length = _ROUTE.unpack_from(payload)[:2]
    found = attributes(payload[_ROUTE.size :])
    nowhere = bytes(16 if family == socket.AF_INET6 else 4)
    return ip_network((found.get(_RTA_DST, nowhere), prefix_length))


def _family(version: int) -> int:
    return socket.AF_INET6 if version == 6 else socket.AF_INET


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little" if struct.pack("=H", 1)[0] else "big")
