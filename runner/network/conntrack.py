"""Flows that the kernel remembers from before a port was published (conntrack, ctnetlink).

Address translation is decided by a flow's first packet. A client that has been sending datagrams
to a port, to nobody or to an earlier container, would never reach the one that has it now.
TCP needs none of this: its connections end by themselves.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING, Final

from runner.network.netlink import Message, Netlink, attribute, attributes
from runner.network.rtnetlink import get_addresses, parse_address

if TYPE_CHECKING:
    from collections.abc import Collection

_NETLINK_NETFILTER: Final = 12
_CT_GET: Final = 1 << 8 | 1
_CT_DELETE: Final = 1 << 8 | 2
_CTA_TUPLE_ORIG: Final = 1
_CTA_ID: Final = 12
_CTA_ZONE: Final = 18
_CTA_TUPLE_IP: Final = 1
_CTA_IP_V4_DST: Final = 2
_CTA_TUPLE_PROTO: Final = 2
_CTA_PROTO_NUM: Final = 1
_CTA_PROTO_DST_PORT: Final = 3
_FAMILY: Final = struct.pack("=BBH", socket.AF_INET, 0, 0)


def forget_flows(protocol: int, ports: Collection[int]) -> None:
    """Have the kernel forget the flows to these ports of this host
    (libnetwork iptables.DeleteConntrackEntriesByPort, which takes every host's).

    Blocks. Raises OSError.
    """
    with Netlink() as route:
        local = {parse_address(answer)[1].ip for answer in route.dump(get_addresses())}
    published = {(protocol, address.packed, port) for address in local for port in ports}
    with Netlink(_NETLINK_NETFILTER) as netlink:
        flows = netlink.dump(Message(_CT_GET, 0, _FAMILY))
        try:
            netlink.execute(*(_delete(flow) for flow in flows if _destination(flow) in published))
        except OSError as err:
            if err.errno != errno.ENOENT:  # it has ended by itself
                raise


def _destination(flow: bytes) -> tuple[int, bytes, int]:
    """Protocol, address and port that the flow's first packet was for."""
    original = attributes(attributes(flow[len(_FAMILY) :])[_CTA_TUPLE_ORIG])
    addresses, found = attributes(original[_CTA_TUPLE_IP]), attributes(original[_CTA_TUPLE_PROTO])
    port = int.from_bytes(found.get(_CTA_PROTO_DST_PORT, b""), "big")
    return found[_CTA_PROTO_NUM][0], addresses[_CTA_IP_V4_DST], port


def _delete(flow: bytes) -> Message:
    known = attributes(flow[len(_FAMILY) :])
    named = (kind for kind in (_CTA_TUPLE_ORIG, _CTA_ID, _CTA_ZONE) if kind in known)
    return Message(
        _CT_DELETE, 0, _FAMILY + b"".join(attribute(kind, known[kind]) for kind in named)
    )
