"""Which subnet a network gets, and which addresses of it may be handed out. No I/O.

Source: libnetwork ipams/defaultipam. Who has which address is kept by an `AddressPool`;
which networks there are the controller knows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from runner.network.records import Pool
from runner.types.errors import Forbidden, InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from runner.network.ip import IPAddress, IPNetwork
    from runner.types.network import IPAMConfig

# Docker's own first, 172.17.0.0/16, is left to the default bridge of a dockerd beside us.
POOLS4: Final = (
    *IPv4Network("172.18.0.0/15").subnets(new_prefix=16),
    *IPv4Network("172.20.0.0/14").subnets(new_prefix=16),
    *IPv4Network("172.24.0.0/14").subnets(new_prefix=16),
    *IPv4Network("172.28.0.0/14").subnets(new_prefix=16),
    *IPv4Network("192.168.0.0/16").subnets(new_prefix=20),
)
"""What networks without a configured subnet get (ipamutils localScopeDefaultNetworks)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is taken already: pools of our networks, and what else the host knows of.

    `host_id` makes the IPv6 subnets of this host its own.
    """

    pools: Collection[Pool]
    occupied: Collection[IPNetwork]
    host_id: str


def request_pool(wanted: IPAMConfig, version: int, around: Surroundings) -> Pool:
    """The subnet asked for, or else a free one (Allocator.RequestPool). No gateway yet.

    Raises Forbidden when it touches another's, InvalidParameter when none is free.
    """
    if not wanted.subnet:
        return Pool(str(_predefined(version, around)))
    subnet = ip_network(wanted.subnet)
    if wanted.ip_range:
        taken = any(
            (pool.subnet, pool.ip_range) == (str(subnet), wanted.ip_range) for pool in around.pools
        )
    else:
        taken = any(_overlap(subnet, ip_network(pool.subnet)) for pool in around.pools)
    if taken:
        raise Forbidden("invalid pool request: Pool overlaps with other one on this address space")
    return Pool(str(subnet), ip_range=wanted.ip_range)


def _predefined(version: int, around: Surroundings) -> IPNetwork:
    """allocatePredefinedPool."""
    taken = [ip_network(pool.subnet) for pool in around.pools]
    taken += [network for network in around.occupied if network.prefixlen > 0]
    candidates = POOLS4 if version == 4 else unique_local_subnets(around.host_id)
    for candidate in candidates:
        if not any(_overlap(candidate, network) for network in taken):
            return candidate
    raise InvalidParameter("all predefined address pools have been fully subnetted")


def unique_local_subnets(host_id: str) -> Iterator[IPv6Network]:
    """The /64 subnets of the host's own /48 (moby deriveULABaseNetwork)."""
    digest = hashlib.sha256(host_id.encode()).digest()
    site = int.from_bytes(digest[:8], "big") & ((1 << 40) - 1)
    base = IPv6Network(((0xFD << 120) | (site << 80), 48))
    return base.subnets(new_prefix=64)


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)


def choose_gateway(pool: Pool, preferred: str, *, wanted: bool) -> Pool:
    """The pool with its gateway: the preferred one, or the first address when one is `wanted`.

    Raises System when there is none.
    """
    if preferred:
        if _is_fixed(pool, ip_address(preferred)):
            raise System(f"failed to allocate gateway ({preferred}): Address already in use")
        return Pool(pool.subnet, str(ip_address(preferred)), pool.ip_range, pool.reserved)
    if not wanted:
        return pool
    for address in candidates(pool):
        return Pool(pool.subnet, str(address), pool.ip_range, pool.reserved)
    raise System("failed to allocate gateway (): no available addresses on this pool")


def reserve_auxiliary(pool: Pool, auxiliary: Iterable[tuple[str, str]], network: str) -> Pool:
    """The pool without the addresses that the user keeps for others. Raises System, and
    InvalidParameter for an empty one; others that are none have been found before."""
    reserved: list[str] = []
    for name, text in auxiliary:
        if not text:
            raise InvalidParameter(
                f"non parsable secondary ip address ({name}:{text}) passed for network {network}"
            )
        address = str(ip_address(text))
        if address == pool.gateway or address in reserved or _is_fixed(pool, ip_address(text)):
            raise System(
                f"failed to allocate secondary ip address ({name}:{text}): Address already in use"
            )
        reserved.append(address)
    return Pool(pool.subnet, pool.gateway, pool.ip_range, (*pool.reserved, *reserved))


def candidates(pool: Pool) -> Iterator[IPAddress]:
    """The addresses that may be handed out, lowest first; the gateway and those kept for others
    are not among them."""
    withheld = {pool.gateway, *pool.reserved}
    within = ip_network(pool.ip_range or pool.subnet)
    first = int(within.network_address)
    for number in range(within.num_addresses):
        address = type(within.network_address)(first + number)
        if str(address) not in withheld and not _is_fixed(pool, address):
            yield address


def may_be_chosen(pool: Pool, address: IPAddress) -> bool:
    """Whether a container may ask for this address of the subnet."""
    return str(address) not in {pool.gateway, *pool.reserved} and not _is_fixed(pool, address)


def contains(pool: Pool, address: IPAddress) -> bool:
    """Whether it is of the pool's subnet."""
    return address in ip_network(pool.subnet)


def _is_fixed(pool: Pool, address: IPAddress) -> bool:
    """The subnet's own address and IPv4's broadcast address; point-to-point links have neither."""
    subnet = ip_network(pool.subnet)
    if subnet.version == 6:
        return address == subnet.network_address
    if subnet.prefixlen >= 31:
        return False
    return address in (subnet.network_address, subnet.broadcast_address)
