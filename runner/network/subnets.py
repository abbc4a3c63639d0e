"""The choice of a subnet for a bridge without a configured one (libnetwork default address pools).
No I/O."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING, Final

from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.network.ip import IPNetwork

# Docker's own 172.17/16 to 172.29/16 come after: dockerd may be started later on this host.
POOLS: Final = (
    *IPv4Network("172.30.0.0/15").subnets(new_prefix=16),
    *IPv4Network("172.16.0.0/12").subnets(new_prefix=16),
    *IPv4Network("192.168.0.0/16").subnets(new_prefix=20),
)


def choose_subnet(occupied: Iterable[IPNetwork]) -> IPv4Interface:
    """The gateway, with its prefix, of the first subnet that touches nothing `occupied`.

    A default route occupies nothing. Raises System when all are taken.
    """
    taken = [network for network in occupied if network.version == 4 and network.prefixlen > 0]
    for pool in POOLS:
        if not any(pool.overlaps(network) for network in taken):
            return IPv4Interface((pool.network_address + 1, pool.prefixlen))
    raise System("all predefined address pools have been fully subnetted")
