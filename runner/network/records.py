"""What the engine asks for, what it gets, and what it keeps for its next start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv4Interface

    from runner.network.ports import PortRequest


@dataclass(frozen=True, slots=True)
class BridgeConfig:
    """The default bridge network (dockerd --bridge, --bip, --mtu).

    Without `bip` an address that the bridge already has is kept, otherwise a subnet is chosen that
    no route of the host leads to.
    """

    network_id: str
    name: str = "runner0"
    bip: IPv4Interface | None = None
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A container's wish to be on the bridge network. `name` is the container's, without slash."""

    name: str
    ports: Sequence[PortRequest] = ()
    address: IPv4Address | None = None
    mac_address: str = ""


class PublishedPort(msgspec.Struct, frozen=True):
    """A container port and where on the host it is reached (libnetwork types.PortBinding)."""

    protocol: str
    container_port: int
    host_ip: str
    host_port: int


class Endpoint(msgspec.Struct, frozen=True):
    """A sandbox's place on a network. `interface` is the host's end of the pair."""

    network_id: str
    id: str
    name: str
    interface: str
    address: str
    prefix_len: int
    gateway: str
    mac_address: str
    ports: tuple[PublishedPort, ...] = ()


class Sandbox(msgspec.Struct, frozen=True):
    """A container's network namespace; `key` is the file that holds it.

    `host`: it is the host's own. `ipv6`: it had IPv6 when it was last looked at.
    """

    container_id: str
    id: str
    key: str
    host: bool = False
    ipv6: bool = True


class SandboxRecord(msgspec.Struct, frozen=True):
    """All that must outlive the engine about a container's networking."""

    sandbox: Sandbox
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What no known container owns: files of namespaces, and ports of our bridge."""

    namespaces: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.namespaces or self.interfaces)
