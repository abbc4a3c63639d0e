"""What a kind of network does (libnetwork driverapi.Driver), and what all kinds have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final, Protocol

from runner.network import ipam
from runner.network.attempt import attempt
from runner.network.records import Endpoint
from runner.types.errors import Forbidden, InvalidParameter, RunnerError
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AsyncExitStack

    from runner.network.addresses import AddressPool
    from runner.network.ip import IPAddress
    from runner.network.ports import PortRequest
    from runner.network.records import EndpointRequest, Pool, Sandbox

_MAC_ADDRESS: Final = re.compile(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}", re.ASCII | re.IGNORECASE)
_SYSCTLS: Final = "com.docker.network.endpoint.sysctls"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a sandbox an endpoint comes: its interface's name, and whether it gets the default
    route of a family."""

    ifname: str
    leads4: bool = False
    leads6: bool = False


class Driver(Protocol):
    """One network of some kind. Nothing of it need be there before `start`."""

    @property
    def prefix(self) -> str:
        """What interfaces are called in containers, before their number."""

    async def start(self) -> None:
        """Make what is missing of the network. Idempotent. Raises RunnerError."""

    async def restore(self, endpoints: Sequence[Endpoint]) -> None:
        """Take up endpoints that an earlier engine has made. Raises RunnerError."""

    async def gateways(self, sandbox: Sandbox) -> tuple[bool, bool]:
        """Whether an endpoint leads outside, by IPv4 and by IPv6."""

    async def create_endpoint(
        self, sandbox: Sandbox, request: EndpointRequest, place: Place
    ) -> Endpoint:
        """Put the sandbox on the network. Raises RunnerError; then all is as before."""

    async def delete_endpoint(
        self, endpoint: Endpoint, sandbox: Sandbox, *, alive: bool = False
    ) -> bool:
        """Take an endpoint off the network; whether all went well. Idempotent.

        `alive`: the sandbox goes on. Otherwise it has been let go of already.
        """

    async def publish(
        self, endpoint: Endpoint, ports: Sequence[PortRequest], families: Collection[int]
    ) -> Endpoint:
        """Publish ports for the families of host addresses; the endpoint as it is then. Raises
        RunnerError; then none is published."""

    async def withdraw(self, endpoint: Endpoint) -> Endpoint:
        """Publish nothing any more; the endpoint as it is then. Raises System."""

    async def close(self) -> None:
        """Let go of sockets; the network stays. Safe to call twice."""

    async def purge(self) -> None:
        """Remove the network. Idempotent. Raises System."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """An endpoint's addresses, each with its pool."""

    ipv4: tuple[IPAddress, Pool] | None = None
    ipv6: tuple[IPAddress, Pool] | None = None

    def fields(self, *, gateways: bool) -> dict[str, Any]:
        """As an Endpoint has them, with the pools' gateways if it is to have any."""
        fields: dict[str, Any] = {"address": "", "prefix_len": 0, "gateway": ""}
        for found, suffix in ((self.ipv4, ""), (self.ipv6, "6")):
            if found is not None:
                address, pool = found
                fields[f"address{suffix}"] = str(address)
                fields[f"prefix_len{suffix}"] = ip_network(pool.subnet).prefixlen
                fields[f"gateway{suffix}"] = pool.gateway if gateways else ""
        return fields


async def reserve_addresses(
    addresses: AddressPool,
    network: tuple[str, str],
    pools: Iterable[Pool],
    owner: str,
    request: EndpointRequest,
    *,
    ipv6: bool,
    undo: AsyncExitStack,
) -> Reserved:
    """Addresses for an endpoint, one of each family that the network has (libnetwork
    assignAddress). `network` is its ID and name; with `ipv6` the sandbox has that. Each registers
    its release with `undo`.

    Raises Forbidden when the one asked for is taken, InvalidParameter when it is of no subnet.
    """
    by_version: dict[int, list[Pool]] = {4: [], 6: []}
    for pool in pools:
        by_version[ip_network(pool.subnet).version].append(pool)
    found: dict[int, tuple[IPAddress, Pool]] = {}
    for version, preferred in ((4, request.address), (6, request.address6)):
        chosen = by_version[version]
        if not chosen or (version == 6 and not ipv6):
            continue
        found[version] = await _reserve(addresses, network, chosen, owner, preferred, version)
        undo.push_async_callback(addresses.release, network[0], found[version][0])
    return Reserved(found.get(4), found.get(6))


async def _reserve(
    addresses: AddressPool,
    network: tuple[str, str],
    pools: Sequence[Pool],
    owner: str,
    preferred: IPAddress | None,
    version: int,
) -> tuple[IPAddress, Pool]:
    """assignAddressVersion."""
    identity, name = network
    for pool in pools:
        if preferred is None:
            candidates: Iterable[IPAddress] = ipam.candidates(pool)
        elif ipam.contains(pool, preferred):
            candidates = [preferred] if ipam.may_be_chosen(pool, preferred) else []
        else:
            continue
        address = await addresses.reserve(identity, candidates, owner)
        if address is not None:
            return address, pool
        if preferred is not None:
            raise Forbidden("Address already in use")
    if preferred is not None:
        raise InvalidParameter(
            f"invalid address {preferred}: It does not belong to any of this network's subnets"
        )
    raise RunnerError(
        f"no available IPv{version} addresses on this network's address pools: {name} ({identity})"
    )


async def make_endpoint(
    addresses: AddressPool,
    network: tuple[str, str],
    pools: Iterable[Pool],
    sandbox: Sandbox,
    request: EndpointRequest,
    place: Place,
    *,
    gateways: bool,
    undo: AsyncExitStack,
    **own: Any,
) -> Endpoint:
    """An endpoint with its addresses, before anything of it is there; see `reserve_addresses`.
    `gateways` says whether it has any, `own` is what only its driver knows."""
    reserved = await reserve_addresses(
        addresses, network, pools, sandbox.container_id, request, ipv6=sandbox.ipv6, undo=undo
    )
    return Endpoint(
        network_id=network[0],
        id=generate_id(),
        name=request.name,
        network=network[1],
        ifname=place.ifname,
        link_local=link_local(request.link_local),
        priority=request.priority,
        names=tuple(request.names),
        links=tuple(request.links),
        **reserved.fields(gateways=gateways),
        **own,
    )


async def release_addresses(addresses: AddressPool, endpoint: Endpoint) -> bool:
    """Give an endpoint's addresses back; whether all went well. Idempotent."""
    results = [
        await attempt(
            addresses.release(endpoint.network_id, ip_address(address)), "release address"
        )
        for address in endpoint.addresses
    ]
    return all(results)


def normal_mac(wanted: str) -> str:
    """The address in its usual spelling; empty for none. Raises InvalidParameter."""
    if not wanted:
        return ""
    if not _MAC_ADDRESS.fullmatch(wanted):
        raise InvalidParameter(f"invalid MAC address {wanted}")
    return wanted.lower().replace("-", ":")


def link_local(addresses: Iterable[IPAddress]) -> tuple[str, ...]:
    """The addresses with the prefix lengths of their kind."""
    return tuple(f"{address}/{16 if address.version == 4 else 64}" for address in addresses)


def settings_of(options: Mapping[str, str]) -> dict[str, str]:
    """The sysctls that the user wants of an interface: `net.X.Y.IFNAME.Z=V`, with commas."""
    settings: dict[str, str] = {}
    for sysctl in filter(None, options.get(_SYSCTLS, "").split(",")):
        name, _, value = sysctl.partition("=")
        settings[name.removeprefix("net.").replace("ifname", "IFNAME")] = value
    return settings
