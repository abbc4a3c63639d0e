"""The bridge driver (libnetwork drivers/bridge): endpoints on a bridge of the host."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import tenacity

from runner.linux.libc import error_text
from runner.network import bridge_link
from runner.network.arp import announce
from runner.network.attempt import attempt
from runner.network.bridge_link import BridgeNetwork, create_interface, setup_bridge
from runner.network.driver import (
    Place,
    make_endpoint,
    normal_mac,
    release_addresses,
    settings_of,
)
from runner.network.firewall import Firewall, Policy, Rules, install_all
from runner.network.forwarding import enable_forwarding6
from runner.network.interface import Interface, interface_of, routes_of
from runner.network.netlink import Netlink
from runner.network.port_mapper import PortMapper, port_rules
from runner.network.ports import Target
from runner.network.threads import in_own_thread
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.network.addresses import AddressPool
    from runner.network.firewalld import Firewalld
    from runner.network.iptables import IPTables
    from runner.network.ports import PortRequest
    from runner.network.records import BridgeConfig, Endpoint, EndpointRequest, Sandbox

log = logging.getLogger(__name__)

_LOOKS: Final = 7
"""How often to look whether an interface is still there, for a quarter of a second."""


@dataclass(frozen=True, slots=True)
class _Started:
    """The network when it is up."""

    network: BridgeNetwork
    firewalls: tuple[Firewall, ...]
    isolated: bool = False


class BridgeDriver:
    """One bridge network. Nothing of it need be there before the first endpoint."""

    def __init__(
        self,
        config: BridgeConfig,
        addresses: AddressPool,
        iptables: IPTables,
        firewalld: Firewalld,
        mapper: PortMapper,
    ) -> None:
        bridge_link.validate_name(config.name)
        self._config = config
        self._addresses = addresses
        self._iptables = iptables
        self._firewalld = firewalld
        self._starting = asyncio.Lock()
        self._host: Netlink | None = None
        self._started: _Started | None = None
        self._mapper = mapper
        self._interfaces: set[str] = set()
        self._announcements: set[asyncio.Task[None]] = set()

    @property
    def network(self) -> BridgeNetwork | None:
        """The network once it is there."""
        return self._started.network if self._started else None

    @property
    def prefix(self) -> str:
        """See Driver."""
        return self._config.prefix

    async def start(self) -> None:
        """Make what is missing of the bridge and of the firewall's rules. Idempotent. Raises
        InvalidParameter, System."""
        await self._up()

    async def _up(self) -> _Started:
        async with self._starting:
            if self._started is None:
                started = await self.prepare(())
                await install_all(self._iptables, started.firewalls)
                self._started = started
                await self._firewalld.admit(self._config.name)
            return self._started

    async def prepare(self, endpoints: Sequence[Endpoint]) -> _Started:
        """Make what is missing of the bridge, with `endpoints` that are there already. The
        firewall's rules are to be installed yet. Raises InvalidParameter, System."""
        host, config = self._netlink(), self._config
        try:
            network = await in_own_thread(lambda: setup_bridge(host, config))
            isolated = not config.icc and await self._must_isolate(network)
            if network.address6 is not None and not config.internal:
                await in_own_thread(enable_forwarding6)
        except OSError as err:
            raise System(f"failed to set up bridge {config.name}: {error_text(err)}") from err
        firewalls = tuple(_firewalls(self._iptables, config, network))
        for firewall in firewalls:
            firewall.expect(
                rule
                for endpoint in endpoints
                for rule in port_rules(_target(endpoint), endpoint.ports, firewall.version)
            )
        return _Started(network, firewalls, isolated)

    @staticmethod
    async def _must_isolate(network: BridgeNetwork) -> bool:
        """Whether neighbours are to be kept apart by the bridge, the firewall not seeing them."""
        versions = {ip_network(pool.subnet).version for pool in network.pools}
        return not await in_own_thread(lambda: bridge_link.filter_neighbours(versions))

    async def restore(self, endpoints: Sequence[Endpoint]) -> None:
        """See Driver. Without endpoints the default network is not needed yet."""
        if not endpoints and not self._config.pools:
            return
        started = await self.prepare(endpoints)
        await install_all(self._iptables, started.firewalls)
        self.installed(started)
        await self.take_up(endpoints)

    def installed(self, started: _Started) -> None:
        """The rules of what has been prepared are there."""
        self._started = started

    async def take_up(self, endpoints: Sequence[Endpoint]) -> None:
        """Hold the ports of the endpoints again."""
        await self._firewalld.admit(self._config.name)
        for endpoint in endpoints:
            self._interfaces.add(endpoint.interface)
            await self._mapper.hold_again(endpoint.id, _target(endpoint), endpoint.ports)

    async def reinstall(self) -> None:
        """Write the firewall's rules anew: somebody has flushed them. Raises System."""
        async with self._starting:
            for firewall in self._started.firewalls if self._started else ():
                await firewall.reinstall()

    async def gateways(self, sandbox: Sandbox) -> tuple[bool, bool]:
        """See Driver."""
        pools = (await self._up()).network.pools
        found = {
            ip_network(pool.subnet).version
            for pool in pools
            if pool.gateway and not self._config.internal
        }
        return 4 in found, 6 in found and sandbox.ipv6

    async def create_endpoint(
        self, sandbox: Sandbox, request: EndpointRequest, place: Place
    ) -> Endpoint:
        """Address and interface (bridge CreateEndpoint, Join).

        Raises System, Forbidden and InvalidParameter; then all is as before.
        """
        network = (await self._up()).network
        async with AsyncExitStack() as undo:
            endpoint = await make_endpoint(
                self._addresses,
                (network.id, self._config.network),
                network.pools,
                sandbox,
                request,
                place,
                gateways=not self._config.internal,
                undo=undo,
                interface=bridge_link.generate_interface_name(),
                mac_address=normal_mac(request.mac_address) or bridge_link.generate_random_mac(),
                internal=self._config.internal,
            )
            undo.push_async_callback(self._delete_interface, endpoint)
            interface = interface_of(
                endpoint,
                routes_of(endpoint if place.leads4 else None, endpoint if place.leads6 else None),
                settings_of(request.options),
            )
            await self._create_interface(network, sandbox, interface)
            undo.pop_all()
        self._announce(sandbox, interface)
        return endpoint

    async def delete_endpoint(
        self, endpoint: Endpoint, sandbox: Sandbox, *, alive: bool = False
    ) -> bool:
        """See Driver.

        The kernel removes the pairs of many ended namespaces together and in half the time that it
        takes to remove each by itself, during which no other pair can be made: so it is asked to
        only when somebody else, a container that shares the namespace, keeps that alive.
        """
        firewalls = self._started.firewalls if self._started else ()
        unmap = self._mapper.unmap(firewalls, endpoint.id, _target(endpoint), endpoint.ports)
        withdrawn = await attempt(unmap, "withdraw ports")
        gone = not alive and await self._is_gone(endpoint)
        results = (
            withdrawn,
            gone or await self._delete_interface(endpoint),
            await release_addresses(self._addresses, endpoint),
        )
        return all(results)

    async def publish(
        self, endpoint: Endpoint, ports: Sequence[PortRequest], families: Collection[int]
    ) -> Endpoint:
        """See Driver (bridge ProgramExternalConnectivity)."""
        firewalls = (await self._up()).firewalls
        try:
            published = await self._mapper.map(
                firewalls, endpoint.id, _target(endpoint, families), ports, self._config.binding
            )
        except RunnerError as err:
            raise err.wrap(
                "driver failed programming external connectivity on endpoint"
                f" {endpoint.name} ({endpoint.id})"
            ) from err
        return msgspec.structs.replace(endpoint, ports=published)

    async def withdraw(self, endpoint: Endpoint) -> Endpoint:
        """See Driver (bridge RevokeExternalConnectivity)."""
        firewalls = self._started.firewalls if self._started else ()
        await self._mapper.unmap(firewalls, endpoint.id, _target(endpoint), endpoint.ports)
        return msgspec.structs.replace(endpoint, ports=())

    async def stray_interfaces(self) -> list[str]:
        """Ports of the bridge that belong to no endpoint; of a bridge that somebody else has made
        none is ours to judge. Raises System."""
        if not self._config.made:
            return []
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
        """See Driver."""
        await asyncio.gather(*self._announcements)
        self._started = None
        if self._host is not None:
            self._host.close()
            self._host = None

    async def purge(self) -> None:
        """Remove bridge, interfaces and rules; a bridge that somebody else has made stays.
        Idempotent. Raises System."""
        host, config = self._netlink(), self._config
        async with self._starting:
            self._started = None
            try:
                if config.made:
                    await in_own_thread(lambda: bridge_link.delete_bridge(host, config.name))
            except OSError as err:
                raise System(f"failed to remove bridge {config.name}: {error_text(err)}") from err
            for firewall in _every_firewall(self._iptables, config):  # by their chains' names
                await firewall.remove()
        await self._firewalld.dismiss(config.name)
        await self.close()

    def _netlink(self) -> Netlink:
        if self._host is None:
            self._host = Netlink()
        return self._host

    async def _create_interface(
        self, network: BridgeNetwork, sandbox: Sandbox, wanted: Interface
    ) -> None:
        host, key = self._netlink(), Path(sandbox.key)
        isolated = self._started is not None and self._started.isolated
        self._interfaces.add(wanted.host_name)
        try:
            await in_own_thread(
                lambda: create_interface(host, network, key, wanted, isolated=isolated)
            )
        except OSError as err:
            if isinstance(err, FileExistsError):  # somebody else's: not ours to remove
                self._interfaces.discard(wanted.host_name)
            raise System(
                f"failed to add the host ({wanted.host_name}) <=> sandbox ({wanted.name}) pair"
                f" interfaces: {error_text(err)}"
            ) from err

    def _announce(self, sandbox: Sandbox, interface: Interface) -> None:
        """Make the endpoint's address known on the link; nobody waits for it."""
        task = asyncio.create_task(_announced(Path(sandbox.key), interface))
        self._announcements.add(task)
        task.add_done_callback(self._announcements.discard)

    async def _is_gone(self, endpoint: Endpoint) -> bool:
        """Wait a little for the pair to go by itself; the address is not free before."""

        async def is_there() -> bool:
            return bridge_link.exists(endpoint.interface)

        waiting = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_result(bool),
            wait=tenacity.wait_exponential(multiplier=0.005, max=0.1),
            stop=tenacity.stop_after_attempt(_LOOKS),
            retry_error_callback=lambda _: True,
        )
        stays: bool = await waiting(is_there)
        if not stays:
            self._interfaces.discard(endpoint.interface)
        return not stays

    async def _delete_interface(self, endpoint: Endpoint) -> bool:
        if endpoint.interface not in self._interfaces:
            return True
        done = await self.remove_interface(endpoint.interface)
        if done:
            self._interfaces.discard(endpoint.interface)
        return done


def _firewalls(iptables: IPTables, config: BridgeConfig, network: BridgeNetwork) -> list[Firewall]:
    """One for each family of the network."""
    firewalls = []
    for pool in network.pools:
        subnet = ip_network(pool.subnet)
        own = network.address if subnet.version == 4 else network.address6
        policy = Policy(
            internal=config.internal,
            icc=config.icc,
            masquerade=config.masquerade,
            unprotected=config.unprotected4 if subnet.version == 4 else config.unprotected6,
            source=config.source4 if subnet.version == 4 else config.source6,
            trusted=config.trusted,
        )
        rules = Rules(config.name, own or subnet, policy)
        firewalls.append(Firewall(iptables.of_family(subnet.version), rules))
    return firewalls


def _every_firewall(iptables: IPTables, config: BridgeConfig) -> list[Firewall]:
    """Whose rules may be there, to be removed by their chains' names alone."""
    versions = {ip_network(pool.subnet).version for pool in config.pools} | {4}
    nothing = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
    return [
        Firewall(iptables.of_family(version), Rules(config.name, nothing[version]))
        for version in sorted(versions)
    ]


def _target(endpoint: Endpoint, families: Collection[int] = (4, 6)) -> Target:
    """The endpoint's addresses, as far as they serve host addresses of these families."""
    ipv4 = IPv4Address(endpoint.address) if endpoint.address else None
    return Target(
        ipv4=ipv4 if 4 in families else None,
        ipv6=IPv6Address(endpoint.address6) if endpoint.address6 and 6 in families else None,
        proxied=6 in families,
    )


async def _announced(key: Path, interface: Interface) -> None:
    try:
        await in_own_thread(lambda: announce(key, interface))
    except OSError as err:  # most likely the sandbox is gone already
        log.debug("failed to announce %s: %s", interface.addresses, err)
