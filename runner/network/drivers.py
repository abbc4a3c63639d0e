"""Which driver serves a network, and what it says of one that is to be made (libnetwork
drvregistry). Errors are those of `runner.types.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from runner.network import bridge_options, vlan
from runner.network.bridge import BridgeDriver
from runner.network.bridge_link import validate_name
from runner.network.cni import CNIDriver, check_cni
from runner.network.vlan import VlanDriver
from runner.types.errors import Forbidden, InvalidParameter, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.network.addresses import AddressPool
    from runner.network.driver import Driver
    from runner.network.firewalld import Firewalld
    from runner.network.iptables import IPTables
    from runner.network.port_mapper import PortMapper
    from runner.network.records import NetworkRecord

_ONE_ONLY: Final = ("host", "null")
KINDS: Final = ("bridge", "cni", "ipvlan", "macvlan")
"""Drivers that networks can be made with."""


def make_driver(
    record: NetworkRecord,
    addresses: AddressPool,
    iptables: IPTables,
    firewalld: Firewalld,
    mapper: PortMapper,
) -> Driver:
    """The driver of a network of `KINDS`. Raises RunnerError for options that it cannot have."""
    if record.driver == "bridge":
        config = bridge_options.bridge_config(record)
        return BridgeDriver(config, addresses, iptables, firewalld, mapper)
    if record.driver == "cni":
        return CNIDriver(record)
    return VlanDriver(record, addresses)


def check_driver(name: str) -> None:
    """Raise NotFound, or Forbidden for those that have one network only."""
    if name in _ONE_ONLY:
        raise Forbidden(f'only one instance of "{name}" network is allowed')
    if name not in KINDS:
        raise NotFound(f'plugin "{name}" not found')


def has_subnets(record: NetworkRecord) -> bool:
    """Whether we hand out the network's addresses."""
    return record.driver != "cni"


def needs_gateway(record: NetworkRecord, version: int) -> bool:
    """Whether a gateway is to be chosen where the user names none. Raises RunnerError."""
    if record.driver == "bridge":
        return bridge_options.needs_gateway(record, version)
    return vlan.needs_gateway(record)


def check_network(record: NetworkRecord, others: Sequence[NetworkRecord]) -> NetworkRecord:
    """The network with its interface on the host, after a look at the others. Raises
    RunnerError."""
    if record.driver == "bridge":
        return _check_bridge(record, others)
    if record.driver == "cni":
        check_cni(record)
        return record
    vlan.check_parent(record, others)
    return msgspec.structs.replace(record, host_interface=vlan.vlan_config(record).parent)


def _check_bridge(record: NetworkRecord, others: Sequence[NetworkRecord]) -> NetworkRecord:
    """bridge CreateNetwork: sanity, conflicts."""
    if not (record.ipv4 or record.ipv6):
        raise InvalidParameter("IPv4 or IPv6 must be enabled")
    families = [(":" in pool.subnet) for pool in record.pools]
    if len(families) != len(set(families)):
        raise Forbidden("bridge driver doesn't support multiple subnets")
    name = bridge_options.bridge_name(record)
    validate_name(name)
    bridge_options.bridge_config(record)
    for other in others:
        if other.driver == "bridge" and other.host_interface == name:
            raise Forbidden(
                f"cannot create network {record.id} ({name}): conflicts with network"
                f" {other.id} ({name}): networks have same bridge name"
            )
    return msgspec.structs.replace(record, host_interface=name)
