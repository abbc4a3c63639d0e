"""The containers' networks: namespaces, bridges and what else there is, published ports, names.
Our libnetwork.

    controller        the facade; networks (and drivers) are what it keeps
    netns             namespaces; interface, gateway what is in them
    bridge            the driver of bridge networks: bridge_link (interfaces), firewall, port_mapper
    firewalld         has the host's own firewall let the bridges through
    vlan, cni         the other drivers
    ipam              subnets and addresses
    resolver          the containers' name server; names, answers what it knows
    files             hosts, hostname, resolv.conf
    netlink           how the kernel is told
"""

from __future__ import annotations

from runner.network.addresses import AddressPool, MemoryAddressPool
from runner.network.bridge_link import BridgeNetwork
from runner.network.controller import NetworkController
from runner.network.drivers import KINDS, check_driver, has_subnets, needs_gateway
from runner.network.files import (
    NetworkFiles,
    ResolutionConfig,
    add_hosts,
    change_host,
    remove_hosts,
    write_initial,
    write_internal,
    write_joined,
)
from runner.network.gateway import Gateways
from runner.network.hosts import Record as HostsRecord
from runner.network.ip import IPAddress, IPNetwork
from runner.network.ipam import Surroundings, choose_gateway, request_pool, reserve_auxiliary
from runner.network.iptables import IPTables
from runner.network.occupied import occupied_networks
from runner.network.ports import PortRequest, port_map, port_requests
from runner.network.records import (
    BridgeConfig,
    Endpoint,
    EndpointRequest,
    Leftovers,
    NameServer,
    NetworkRecord,
    Pool,
    PublishedPort,
    Sandbox,
    SandboxRecord,
)

__all__ = [
    "KINDS",
    "AddressPool",
    "BridgeConfig",
    "BridgeNetwork",
    "Endpoint",
    "EndpointRequest",
    "Gateways",
    "HostsRecord",
    "IPAddress",
    "IPNetwork",
    "IPTables",
    "Leftovers",
    "MemoryAddressPool",
    "NameServer",
    "NetworkController",
    "NetworkFiles",
    "NetworkRecord",
    "Pool",
    "PortRequest",
    "PublishedPort",
    "ResolutionConfig",
    "Sandbox",
    "SandboxRecord",
    "Surroundings",
    "add_hosts",
    "change_host",
    "check_driver",
    "choose_gateway",
    "has_subnets",
    "needs_gateway",
    "occupied_networks",
    "port_map",
    "port_requests",
    "remove_hosts",
    "request_pool",
    "reserve_auxiliary",
    "write_initial",
    "write_internal",
    "write_joined",
]
