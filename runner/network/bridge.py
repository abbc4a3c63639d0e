"""The bridge driver (libnetwork drivers/bridge): endpoints on a bridge of the host."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.linux.libc import error_text
from runner.network import bridge_link
from runner.network.arp import announce
from runner.network.attempt import attempt
from runner.network.bridge_link import BridgeNetwork, Interface, create_interface, setup_bridge
from runner.network.firewall import Firewall, Rules
from runner.network.netlink import Netlink
from runner.network.port_allocator import PortAllocator, read_port_settings
from runner.network.port_mapper import PortMapper, port_rules
from runner.network.records import Endpoint
from runner.network.threads import in_own_thread
from runner.types.errors import Conflict, InvalidParameter, RunnerError, System
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.network.addresses import AddressPool
    from runner.network.iptables import IPTables
    from runner.network.ports import PortRequest
    from runner.network.records import BridgeConfig, EndpointRequest, Sandbox

log = logging.getLogger(__name__)

INTERFACE: Final = "eth0"
"""What the container calls its end of the pair."""
_MAC_ADDRESS: Final = re.compile(r"[0-9a-f]{2}([:-][0-9a-f]{2}){5}", re.ASCII | re.IGNORECASE)
_GONE_AFTER: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.1)
"""Seconds between looks whether an interface is still there."""


@dataclass(frozen=True, slots=True)
class _Started:
    """The network when it is up."""

    network: BridgeNetwork
    firewall: Firewall


class BridgeDriver:
    """One bridge network. Nothing of it need be there before the first endpoint."""

    def __init__(self, config: BridgeConfig, addresses: AddressPool, iptables: IPTables) -> None:
        bridge_link.validate_name(config.name)
        self._config = config
        self._addresses = addresses
        self._iptables = iptables
        self._starting = asyncio.Lock()
        self._host: Netlink | None = None
        self._started: _Started | None = None
        self._mapper = PortMapper(PortAllocator(*read_port_settings()))
        self._interfaces: set[str] = set()
        self._announcements: set[asyncio.Task[None]] = set()

    @property
    def network(self) -> BridgeNetwork | None:
        """The network once it is there."""
        return self._started.network if self._started else None

    async def start(self, endpoints: Collection[Endpoint] = ()) -> _Started:
        """Make what is missing of the bridge and of the firewall's rules; `endpoints` are there
        already. Idempotent. Raises InvalidParameter, System."""
        async with self._starting:
            if self._started is None:
                self._started = await self._start(endpoints)
            return self._started

    async def _start(self, endpoints: Collection[Endpoint]) -> _Started:
        host, name = self._netlink(), self._config.name
        try:
            network = await in_own_thread(lambda: setup_bridge(host, self._config))
        except OSError as err:
            raise System(f"failed to set up bridge {name}: {error_text(err)}") from err
        firewall = Firewall(self._iptables, Rules(name, network.address))
        await firewall.install(
            rule
            for endpoint in endpoints
            for rule in port_rules(IPv4Address(endpoint.address), endpoint.ports)
        )
        return _Started(network, firewall)

    async def restore(self, endpoints: Sequence[Endpoint]) -> None:
        """Take up endpoints that an earlier engine has made. Raises InvalidParameter, System."""
        if not endpoints:
            return
        await self.start(endpoints)
        for endpoint in endpoints:
            self._interfaces.add(endpoint.interface)
            await self._mapper.hold_again(
                endpoint.id, IPv4Address(endpoint.address), endpoint.ports
            )

    async def create_endpoint(self, sandbox: Sandbox, request: EndpointRequest) -> Endpoint:
        """Put the sandbox on the network: address, interface, published ports
        (bridge CreateEndpoint, Join, ProgramExternalConnectivity).

        Raises System, Conflict and InvalidParameter; then all is as before.
        """
        started = await self.start()
        network = started.network
        async with AsyncExitStack() as undo:
            address = await self._reserve(network, sandbox.container_id, request.address)
            undo.push_async_callback(self._addresses.release, network.id, address)
            endpoint = _endpoint(network, request, address)
            undo.push_async_callback(self._delete_interface, endpoint)
            await self._create_interface(network, sandbox, endpoint)
            endpoint = await self._program_external_connectivity(
                started.firewall, endpoint, request.ports
            )
            undo.pop_all()
        self._announce(sandbox, endpoint)
        return endpoint

    async def delete_endpoint(self, endpoint: Endpoint) -> bool:
        """Take an endpoint off the network, its sandbox having been let go of; whether all went
        well. Idempotent.

        The kernel removes the pairs of many ended namespaces together and in half the time that it
        takes to remove each by itself, during which no other pair can be made: so it is asked to
        only when somebody else, a container that shares the namespace, keeps that alive.
        """
        address = IPv4Address(endpoint.address)
        firewall = self._started.firewall if self._started else None
        results = (
            await attempt(self._mapper.unmap(firewall, endpoint.id, address), "withdraw ports"),
            await self._is_gone(endpoint) or await self._delete_interface(endpoint),
            await attempt(self._addresses.release(endpoint.network_id, address), "release address"),
        )
        return all(results)

    async def stray_interfaces(self) -> list[str]:
        """Ports of the bridge that belong to no endpoint. Raises System."""
        host = self._netlink()
        try:
            found = await in_own_thread(lambda: bridge_link.ports(host, self._config.name))
        except OSError as err:
            raise System(f"failed to list interfaces: {error_text(err)}") from err
        return [name for name in found if name not in self._interfaces]

    async def remove_interface(self, name: str) -> bool:
        """Remove a pair by its end on the host; whether all went well. Idempotent."""
        host = self._netlink()
        return await attempt(
            in_own_thread(lambda: bridge_link.delete_interface(host, name)),
            f"remove interface {name}",
        )

    async def close(self) -> None:
        """Let go of sockets; the network stays. Safe to call twice."""
        await asyncio.gather(*self._announcements)
        await self._mapper.close()
        self._started = None
        if self._host is not None:
            self._host.close()
            self._host = None

    async def purge(self) -> None:
        """Remove bridge, interfaces and rules. Idempotent. Raises System."""
        host = self._netlink()
        try:
            await in_own_thread(lambda: bridge_link.delete_bridge(host, self._config.name))
        except OSError as err:
            raise System(f"failed to remove bridge {self._config.name}: {error_text(err)}") from err
        rules = Rules(self._config.name, IPv4Interface("0.0.0.0/0"))  # by their chains' names
        await Firewall(self._iptables, rules).remove()
        await self.close()

    def _netlink(self) -> Netlink:
        if self._host is None:
            self._host = Netlink()
        return self._host

    async def _reserve(
        self, network: BridgeNetwork, owner: str, preferred: IPv4Address | None
    ) -> IPv4Address:
        """An address for a container; the gateway's is never one."""
        if preferred == network.gateway:
            raise Conflict("Address already in use")
        pool, subnet = self._addresses, network.address.network
        while (address := await pool.reserve(network.id, subnet, owner, preferred)) == (
            network.gateway
        ):
            await pool.release(network.id, address)
            await pool.reserve(network.id, subnet, network.id, network.gateway)
        return address

    async def _create_interface(
        self, network: BridgeNetwork, sandbox: Sandbox, endpoint: Endpoint
    ) -> None:
        host, key, wanted = self._netlink(), Path(sandbox.key), _interface(endpoint)
        self._interfaces.add(endpoint.interface)
        try:
            await in_own_thread(lambda: create_interface(host, network, key, wanted))
        except OSError as err:
            if isinstance(err, FileExistsError):  # somebody else's: not ours to remove
                self._interfaces.discard(endpoint.interface)
            raise System(
                f"failed to add the host ({endpoint.interface}) <=> sandbox ({INTERFACE}) pair"
                f" interfaces: {error_text(err)}"
            ) from err

    def _announce(self, sandbox: Sandbox, endpoint: Endpoint) -> None:
        """Make the endpoint's address known on the link; nobody waits for it."""
        key, interface = Path(sandbox.key), _interface(endpoint)
        task = asyncio.create_task(_announced(key, interface))
        self._announcements.add(task)
        task.add_done_callback(self._announcements.discard)

    async def _is_gone(self, endpoint: Endpoint) -> bool:
        """Wait a little for the pair to go by itself; the address is not free before."""
        for delay in _GONE_AFTER:
            try:
                socket.if_nametoindex(endpoint.interface)
            except OSError:
                self._interfaces.discard(endpoint.interface)
                return True
            await asyncio.sleep(delay)
        return False

    async def _delete_interface(self, endpoint: Endpoint) -> bool:
        if endpoint.interface not in self._interfaces:
            return True
        done = await self.remove_interface(endpoint.interface)
        if done:
            self._interfaces.discard(endpoint.interface)
        return done

    async def _program_external_connectivity(
        self, firewall: Firewall, endpoint: Endpoint, ports: Sequence[PortRequest]
    ) -> Endpoint:
        """Publish ports; the endpoint as it is with them."""
        address = IPv4Address(endpoint.address)
        try:
            published = await self._mapper.map(firewall, endpoint.id, address, ports)
        except RunnerError as err:
            raise err.wrap(
                "driver failed programming external connectivity on endpoint"
                f" {endpoint.name} ({endpoint.id})"
            ) from err
        return msgspec.structs.replace(endpoint, ports=published)


async def _announced(key: Path, interface: Interface) -> None:
    try:
        await in_own_thread(lambda: announce(key, interface))
    except OSError as err:  # most likely the sandbox is gone already
        log.debug("failed to announce %s: %s", interface.address.ip, err)


def _endpoint(network: BridgeNetwork, request: EndpointRequest, address: IPv4Address) -> Endpoint:
    return Endpoint(
        network_id=network.id,
        id=generate_id(),
        name=request.name,
        interface=bridge_link.generate_interface_name(),
        address=str(address),
        prefix_len=network.address.network.prefixlen,
        gateway=str(network.gateway),
        mac_address=_mac_address(request.mac_address),
    )


def _mac_address(wanted: str) -> str:
    """The address in its usual spelling, a random one if none is wanted."""
    if not wanted:
        return bridge_link.generate_random_mac()
    if not _MAC_ADDRESS.fullmatch(wanted):
        raise InvalidParameter(f"invalid MAC address {wanted}")
    return wanted.lower().replace("-", ":")


def _interface(endpoint: Endpoint) -> Interface:
    return Interface(
        name=INTERFACE,
        host_name=endpoint.interface,
        mac_address=endpoint.mac_address,
        address=IPv4Interface(f"{endpoint.address}/{endpoint.prefix_len}"),
        gateway=IPv4Address(endpoint.gateway),
    )
