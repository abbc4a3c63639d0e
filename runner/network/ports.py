"""Port bindings as users write them, and as inspect shows them. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import total_ordering
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import groupby
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter
from runner.types.network import PortBinding, PortMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from runner.network.ip import IPAddress
    from runner.network.records import PublishedPort

PROTOCOLS: Final = {"tcp": 6, "udp": 17, "sctp": 132}
"""The protocols that ports can be published for, with their numbers, which dockerd sorts by."""

ANY4: Final = IPv4Address(0)
ANY6: Final = IPv6Address(0)
_ANY: Final = frozenset((ANY4, ANY6))

_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)
_MAX_PORT: Final = 65535


@total_ordering
@dataclass(frozen=True, slots=True)
class PortRequest:
    """A container port to publish. No `host_ip`: on every address; port 0: any free one.

    Ordered so that requests that differ in their host address alone are neighbours, and exact ports
    come before ranges that might take them (bridge cmpPortBinding).
    """

    protocol: str
    container_port: int
    host_ip: IPAddress | None = None
    host_port: int = 0
    host_port_end: int = 0

    @property
    def is_range(self) -> bool:
        """Whether there is a choice of host ports."""
        return self.host_port == 0 or self.host_port != self.host_port_end

    def clashes(self, published: PublishedPort) -> bool:
        """Whether what is published is, for the same packets, on a port that this asks for."""
        if published.protocol != self.protocol or not (
            self.host_port <= published.host_port <= self.host_port_end
        ):
            return False
        own, other = self.host_ip, ip_address(published.host_ip)
        if own is None:
            return True
        return own == other or (own.version == other.version and not _ANY.isdisjoint((own, other)))

    def _key(self) -> tuple[object, ...]:
        address = self.host_ip
        return (
            self.is_range,
            self.container_port,
            PROTOCOLS[self.protocol],
            self.host_port,
            self.host_port_end,
            (address.version, int(address)) if address is not None else (0, 0),
        )

    def __lt__(self, other: PortRequest) -> bool:
        return self._key() < other._key()


def port_requests(
    exposed: Collection[str],
    bindings: Mapping[str, Sequence[PortBinding] | None] | None,
    *,
    publish_all: bool = False,
) -> tuple[PortRequest, ...]:
    """What to publish (moby buildSandboxOptions). As in dockerd, bindings of ports that are not
    exposed count for nothing: create exposes what it publishes.

    Raises InvalidParameter.
    """
    return tuple(_port_requests(exposed, bindings or {}, publish_all=publish_all))


def _port_requests(
    exposed: Collection[str],
    bindings: Mapping[str, Sequence[PortBinding] | None],
    *,
    publish_all: bool,
) -> Iterator[PortRequest]:
    for port in sorted(exposed):
        number, protocol = parse_port(port)
        for binding in bindings.get(port) or ():
            start, end = parse_host_port(binding.host_port)
            yield PortRequest(protocol, number, parse_host_ip(binding.host_ip), start, end)
        if publish_all and not bindings.get(port):
            yield PortRequest(protocol, number)


def parse_port(port: str) -> tuple[int, str]:
    """Number and protocol of `80/tcp`; without a protocol it is tcp. Raises InvalidParameter."""
    number, _, protocol = port.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS or not _is_port(number):
        raise InvalidParameter(f'invalid port specification: "{port}"')
    return int(number), protocol


def parse_host_port(text: str) -> tuple[int, int]:
    """First and last of `8080`, `8000-8010` or nothing, which is (0, 0): any free port.

    A protocol after a slash is passed over, as nat.SplitProtoPort does. Raises InvalidParameter.
    """
    ports = text.partition("/")[0]
    if not ports:
        return 0, 0
    start, dash, end = ports.partition("-")
    if not _is_port(start) or (dash and not _is_port(end)):
        raise InvalidParameter(f'invalid port specification: "{text}"')
    first, last = int(start), int(end or start)
    if last < first or (last > 0 and first == 0):
        raise InvalidParameter(f'invalid port specification: "{text}"')
    return first, last


def parse_host_ip(text: str) -> IPAddress | None:
    """A host address; None for none. Raises InvalidParameter.

    dockerd 28 takes what it cannot read for "every address" and so opens to the world what was
    meant for one; from 29 on it is refused, as here.
    """
    if not text:
        return None
    try:
        address = ip_address(text)
    except ValueError as err:
        raise InvalidParameter(f'ParseAddr("{text}"): unable to parse IP') from err
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise InvalidParameter(f'ParseAddr("{text}"): host addresses have no zone')
        return address.ipv4_mapped or address
    return address


def _is_port(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and len(text) <= 20 and int(text) <= _MAX_PORT


@dataclass(frozen=True, slots=True)
class BindRequest:
    """One host port, or one of a range, wanted on all of `addresses` for one container port."""

    protocol: str
    container_port: int
    addresses: tuple[IPAddress, ...]
    host_port: int
    host_port_end: int


@dataclass(frozen=True, slots=True)
class Target:
    """A container's addresses, and whether host addresses of IPv6 may lead to its IPv4 one."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    proxied: bool = True

    def of(self, host_ip: IPAddress, protocol: str) -> IPAddress | None:
        """The address that a port on the host's address leads to, if it leads anywhere."""
        if host_ip.version == 4:
            return self.ipv4
        # Nothing carries SCTP from IPv6 to a container that has IPv4 only.
        proxied = self.ipv4 if self.proxied and protocol != "sctp" else None
        return self.ipv6 or proxied


def bind_requests(
    requests: Iterable[PortRequest],
    *,
    ipv6: bool,
    target: Target | None = None,
    binding: IPAddress | None = None,
) -> list[BindRequest]:
    """Which ports to bind where, in order (bridge addPortMappings).

    A request without an address is for `binding`; without that, for both families when the host
    has IPv6. Requests that differ in their address alone get one port together. What would lead
    nowhere is left out.
    """
    ordered = sorted(set(requests))
    groups = groupby(ordered, key=lambda request: replace(request, host_ip=None))
    anywhere: tuple[IPAddress, ...] = (ANY4, ANY6) if ipv6 else (ANY4,)
    if binding is not None and binding != ANY4:
        anywhere = (binding,)
    bound = [
        BindRequest(
            protocol=wanted.protocol,
            container_port=wanted.container_port,
            addresses=_host_addresses(group, anywhere, target or _SOME),
            host_port=wanted.host_port,
            host_port_end=wanted.host_port_end,
        )
        for wanted, group in groups
    ]
    return [request for request in bound if request.addresses]


_SOME: Final = Target(ipv4=ANY4)
"""An IPv4 address, whichever it is."""


def _host_addresses(
    group: Iterable[PortRequest], anywhere: tuple[IPAddress, ...], target: Target
) -> tuple[IPAddress, ...]:
    return tuple(
        address
        for request in group
        for address in (anywhere if request.host_ip is None else (request.host_ip,))
        if target.of(address, request.protocol) is not None
    )


def holders(
    requests: Iterable[PortRequest], published: Collection[tuple[str, PublishedPort]]
) -> set[str]:
    """Who has, of what is published by whom, all the ports that a request could be given."""
    found: set[str] = set()
    for request in requests:
        clashing = [(owner, port) for owner, port in published if request.clashes(port)]
        taken = {port.host_port for _, port in clashing}
        if request.host_port and len(taken) > request.host_port_end - request.host_port:
            found.update(owner for owner, _ in clashing)
    return found


def port_map(exposed: Collection[str], published: Iterable[PublishedPort]) -> PortMap:
    """NetworkSettings.Ports: exposed ports, and where they are published
    (moby getEndpointPortMapInfo)."""
    ports: PortMap = {_canonical(port): None for port in sorted(exposed)}
    for binding in published:
        key = f"{binding.container_port}/{binding.protocol}"
        shown = PortBinding(host_ip=binding.host_ip, host_port=str(binding.host_port))
        ports[key] = [*(ports.get(key) or ()), shown]
    return ports


def _canonical(port: str) -> str:
    number, protocol = parse_port(port)
    return f"{number}/{protocol}"
