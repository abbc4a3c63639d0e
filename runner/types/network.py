"""Networks and endpoints as the Engine API shows them (moby api/types/network)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.types.wire import Wire


class EndpointIPAMConfig(
    Wire,
    rename={
        "ipv4_address": "IPv4Address",
        "ipv6_address": "IPv6Address",
        "link_local_ips": "LinkLocalIPs",
    },
):
    """Addresses that the user asked for."""

    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: list[str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"ipv4_address", "ipv6_address", "link_local_ips"}
    )


class EndpointSettings(Wire, rename="pascal"):
    """A container's place on one network: what was asked for, and what it got."""

    ipam_config: EndpointIPAMConfig | None = msgspec.field(default=None, name="IPAMConfig")
    links: list[str] | None = None
    aliases: list[str] | None = None
    mac_address: str = ""
    driver_opts: dict[str, str] | None = None
    gw_priority: int = 0
    network_id: str = msgspec.field(default="", name="NetworkID")
    endpoint_id: str = msgspec.field(default="", name="EndpointID")
    gateway: str = ""
    ip_address: str = msgspec.field(default="", name="IPAddress")
    ip_prefix_len: int = msgspec.field(default=0, name="IPPrefixLen")
    ipv6_gateway: str = msgspec.field(default="", name="IPv6Gateway")
    global_ipv6_address: str = msgspec.field(default="", name="GlobalIPv6Address")
    global_ipv6_prefix_len: int = msgspec.field(default=0, name="GlobalIPv6PrefixLen")
    dns_names: list[str] | None = msgspec.field(default=None, name="DNSNames")


class IPAMConfig(
    Wire,
    rename={
        "subnet": "Subnet",
        "ip_range": "IPRange",
        "gateway": "Gateway",
        "aux_addresses": "AuxiliaryAddresses",
    },
):
    """One subnet of a network."""

    subnet: str = ""
    ip_range: str = ""
    gateway: str = ""
    aux_addresses: dict[str, str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"subnet", "ip_range", "gateway", "aux_addresses"}
    )


class IPAM(Wire, rename="pascal"):
    """How a network gets its addresses."""

    driver: str = ""
    options: dict[str, str] | None = None
    config: list[IPAMConfig] | None = None


class ConfigReference(Wire, rename="pascal"):
    """The network whose configuration another one has."""

    network: str = ""


class CreateNetworkRequest(Wire, rename="pascal"):
    """POST /networks/create."""

    name: str = ""
    driver: str = ""
    scope: str = ""
    enable_ipv4: bool | None = msgspec.field(default=None, name="EnableIPv4")
    enable_ipv6: bool | None = msgspec.field(default=None, name="EnableIPv6")
    ipam: IPAM | None = msgspec.field(default=None, name="IPAM")
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: ConfigReference | None = None
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class CreateNetworkResponse(Wire, rename="pascal"):
    """Its answer."""

    id: str
    warning: str = ""


class EndpointResource(Wire, rename="pascal"):
    """A container on a network, as the network's inspect shows it."""

    name: str = ""
    endpoint_id: str = msgspec.field(default="", name="EndpointID")
    mac_address: str = ""
    ipv4_address: str = msgspec.field(default="", name="IPv4Address")
    ipv6_address: str = msgspec.field(default="", name="IPv6Address")


class NetworkResource(Wire, rename="pascal"):
    """GET /networks/{id}, and an item of GET /networks."""

    name: str
    id: str
    created: str
    scope: str
    driver: str
    enable_ipv4: bool = msgspec.field(name="EnableIPv4")
    enable_ipv6: bool = msgspec.field(name="EnableIPv6")
    ipam: IPAM = msgspec.field(name="IPAM")
    internal: bool
    attachable: bool
    ingress: bool
    config_from: ConfigReference
    config_only: bool
    containers: dict[str, EndpointResource]
    options: dict[str, str]
    labels: dict[str, str]


class ConnectRequest(Wire, rename="pascal"):
    """POST /networks/{id}/connect."""

    container: str = ""
    endpoint_config: EndpointSettings | None = None


class DisconnectRequest(Wire, rename="pascal"):
    """POST /networks/{id}/disconnect."""

    container: str = ""
    force: bool = False


class NetworksPruneReport(Wire, rename="pascal"):
    """POST /networks/prune: names."""

    networks_deleted: list[str] | None = None


class NetworkingConfig(Wire, rename="pascal"):
    """The networks to join at start, by name or ID."""

    endpoints_config: dict[str, EndpointSettings] | None = None


class PortBinding(Wire):
    """Where on the host a container port is published; empty port: any free one."""

    host_ip: str = msgspec.field(default="", name="HostIp")
    host_port: str = msgspec.field(default="", name="HostPort")


PortMap = dict[str, list[PortBinding] | None]
"""Bindings by container port, `80/tcp`."""


def join_problems(problems: list[str]) -> str:
    """One as it is, several as a list (moby joinError)."""
    if len(problems) == 1:
        return problems[0].strip()
    return "* " + "\n* ".join(problem.replace("\n", "\n\t") for problem in problems)
