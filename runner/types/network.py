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


class NetworkingConfig(Wire, rename="pascal"):
    """The networks to join at start, by name or ID."""

    endpoints_config: dict[str, EndpointSettings] | None = None


class PortBinding(Wire):
    """Where on the host a container port is published; empty port: any free one."""

    host_ip: str = msgspec.field(default="", name="HostIp")
    host_port: str = msgspec.field(default="", name="HostPort")


PortMap = dict[str, list[PortBinding] | None]
"""Bindings by container port, `80/tcp`."""
