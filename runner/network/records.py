"""What the engine asks for, what it gets, and what it keeps for its next start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Address, IPv4Interface, IPv6Address

    from runner.network.ip import IPAddress
    from runner.network.ports import PortRequest


class Pool(msgspec.Struct, frozen=True):
    """A subnet of a network (libnetwork IpamInfo). Addresses are handed out from `ip_range`, if
    there is one; `reserved` ones never are, nor is the gateway."""

    subnet: str
    gateway: str = ""
    ip_range: str = ""
    reserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """A bridge network; by default the default one (dockerd --bridge, --bip, --mtu).

    `pools` has a subnet of each family that the network has. Without any, as for the default
    network, `bip` is the bridge's address; without that an address that the bridge already has is
    kept, otherwise a subnet is chosen that no route of the host leads to.

    `internal`: nothing leads outside. Without `icc` its containers do not reach each other.
    `binding` is where ports are published that name no address, `source4` and `source6` the host's
    address that the world sees. Interfaces in `trusted` reach containers' own addresses, with
    `unprotected4` and `unprotected6` everybody does. Without `host_address4` the bridge has no
    IPv4 address.
    """

    network_id: str
    name: str = "runner0"
    bip: IPv4Interface | None = None
    mtu: int = 1500
    network: str = "bridge"
    pools: tuple[Pool, ...] = ()
    internal: bool = False
    icc: bool = True
    masquerade: bool = True
    binding: IPAddress | None = None
    source4: IPAddress | None = None
    source6: IPAddress | None = None
    trusted: tuple[str, ...] = ()
    unprotected4: bool = False
    unprotected6: bool = False
    host_address4: bool = True
    prefix: str = "eth"
    made: bool = True


class NetworkRecord(msgspec.Struct, frozen=True):
    """A network as it is kept (libnetwork Network).

    `ipam_config` is what the user has asked for, in the API's form; `pools` is what came of it.
    `host_interface` is the bridge or the parent interface; `made` tells that it is ours to remove.
    """

    driver: str
    id: str = ""
    name: str = ""
    created: str = ""
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    config_only: bool = False
    config_from: str = ""
    ipam_driver: str = "default"
    ipam_options: dict[str, str] | None = None
    ipam_config: tuple[dict[str, Any], ...] = ()
    options: dict[str, str] = {}
    labels: dict[str, str] = {}
    pools: tuple[Pool, ...] = ()
    host_interface: str = ""
    made: bool = False


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A container's wish to be on a network, the default bridge when none is named.

    `name` is the container's, without slash. `names` are what it is called on the network, the
    first for its address; `links` are the names by which it knows others there. `ports` are all
    that the container publishes, be it on this network or another. `options` are the driver's.
    """

    name: str
    ports: Sequence[PortRequest] = ()
    address: IPv4Address | None = None
    mac_address: str = ""
    network_id: str = ""
    address6: IPv6Address | None = None
    link_local: Sequence[IPAddress] = ()
    names: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    priority: int = 0
    options: Mapping[str, str] = field(default_factory=dict)


class PublishedPort(msgspec.Struct, frozen=True):
    """A container port and where on the host it is reached (libnetwork types.PortBinding)."""

    protocol: str
    container_port: int
    host_ip: str
    host_port: int


class Endpoint(msgspec.Struct, frozen=True):
    """A sandbox's place on a network. `interface` is the host's end of the pair, `ifname` what the
    container calls its end; both are empty where there is none.

    `gateway` and `gateway6` are empty where the network does not lead outside. A route of the
    driver's own (`link_route`) stands for a gateway. `state` is what only the driver understands.
    """

    network_id: str
    id: str
    name: str
    interface: str
    address: str
    prefix_len: int
    gateway: str
    mac_address: str
    ports: tuple[PublishedPort, ...] = ()
    network: str = "bridge"
    driver: str = "bridge"
    ifname: str = "eth0"
    address6: str = ""
    prefix_len6: int = 0
    gateway6: str = ""
    link_local: tuple[str, ...] = ()
    link_route: bool = False
    internal: bool = False
    priority: int = 0
    names: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    state: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that it has on the network, IPv4 first."""
        return tuple(filter(None, (self.address, self.address6)))


class Sandbox(msgspec.Struct, frozen=True):
    """A container's network namespace; `key` is the file that holds it.

    `host`: it is the host's own. `ipv6`: it had IPv6 when it was last looked at.
    """

    container_id: str
    id: str
    key: str
    host: bool = False
    ipv6: bool = True


class NameServer(msgspec.Struct, frozen=True):
    """A server that the resolver passes questions on to; `host`: from the host's namespace."""

    address: str
    host: bool = True

    def __str__(self) -> str:
        return f"host({self.address})" if self.host else self.address


class ResolverRecord(msgspec.Struct, frozen=True):
    """A sandbox's resolver: the ports that it listens at, and whom it asks. `ndots`: the user has
    said when a name is to be completed first, so that bare ones are not passed on."""

    udp_port: int
    tcp_port: int
    servers: tuple[NameServer, ...] = ()
    ndots: bool = False


class SandboxRecord(msgspec.Struct, frozen=True):
    """All that must outlive the engine about a container's networking."""

    sandbox: Sandbox
    endpoints: tuple[Endpoint, ...] = ()
    resolver: ResolverRecord | None = None


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What no known container owns: files of namespaces, and ports of our bridge."""

    namespaces: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.interfaces)
