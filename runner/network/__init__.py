"""The containers' networks: namespaces, the default bridge, published ports, and the files by which
names are found. Our libnetwork.

    controller        the facade
    netns             namespaces
    bridge            the driver of bridge networks: bridge_link (interfaces), firewall, port_mapper
    files             hosts, hostname, resolv.conf
    netlink           how the kernel is told
"""

from __future__ import annotations

from runner.network.addresses import AddressPool, MemoryAddressPool
from runner.network.bridge_link import BridgeNetwork
from runner.network.controller import NetworkController
from runner.network.files import NetworkFiles, ResolutionConfig, write_initial, write_joined
from runner.network.iptables import IPTables
from runner.network.ports import PortRequest, port_map, port_requests
from runner.network.records import (
    BridgeConfig,
    Endpoint,
    EndpointRequest,
    Leftovers,
    PublishedPort,
    Sandbox,
    SandboxRecord,
)

__all__ = [
    "AddressPool",
    "BridgeConfig",
    "BridgeNetwork",
    "Endpoint",
    "EndpointRequest",
    "IPTables",
    "Leftovers",
    "MemoryAddressPool",
    "NetworkController",
    "NetworkFiles",
    "PortRequest",
    "PublishedPort",
    "ResolutionConfig",
    "Sandbox",
    "SandboxRecord",
    "port_map",
    "port_requests",
    "write_initial",
    "write_joined",
]
