"""The networks that there are, each with its driver (libnetwork's part of Controller)."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from runner.network.attempt import attempt
from runner.network.bridge import BridgeDriver
from runner.network.bridge_link import exists
from runner.network.drivers import check_network, make_driver
from runner.network.firewall import install_all
from runner.network.records import NetworkRecord
from runner.network.vlan import VlanDriver
from runner.types.errors import Conflict, NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from runner.network.addresses import AddressPool
    from runner.network.driver import Driver
    from runner.network.firewalld import Firewalld
    from runner.network.iptables import IPTables
    from runner.network.port_mapper import PortMapper
    from runner.network.records import BridgeConfig, Endpoint

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Network:
    """A network at work; `joining` is how many sandboxes are about to be on it."""

    record: NetworkRecord
    driver: Driver
    joining: int = 0
    ending: bool = False

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.record.name

    @property
    def internal(self) -> bool:
        """Whether nothing leads outside."""
        return self.record.internal


class Networks:
    """All but those without interfaces, `host` and `none`."""

    def __init__(
        self,
        bridge: BridgeDriver,
        config: BridgeConfig,
        addresses: AddressPool,
        iptables: IPTables,
        firewalld: Firewalld,
        mapper: PortMapper,
    ) -> None:
        self._bridge = bridge
        self._default = Network(
            NetworkRecord(
                "bridge",
                id=config.network_id,
                name=config.network,
                host_interface=config.name,
            ),
            bridge,
        )
        self._by_id: dict[str, Network] = {config.network_id: self._default}
        self._addresses = addresses
        self._iptables = iptables
        self._firewalld = firewalld
        self._mapper = mapper

    def known(self, network_id: str) -> Network | None:
        """The network, if there is one."""
        return self._by_id.get(network_id)

    def get(self, network_id: str) -> Network:
        """The network, the default one for an empty ID. Raises NotFound."""
        network = self._by_id.get(network_id) if network_id else self._default
        if network is None:
            raise NotFound(f"network {network_id} not found")
        return network

    @contextlib.contextmanager
    def in_use(self, network_id: str) -> Iterator[Network]:
        """The network, which is not removed meanwhile. Raises NotFound."""
        network = self.get(network_id)
        if network.ending:
            raise NotFound(f"network {network.name} not found")
        network.joining += 1
        try:
            yield network
        finally:
            network.joining -= 1

    async def create(
        self, record: NetworkRecord, keep: Callable[[NetworkRecord], None]
    ) -> NetworkRecord:
        """Make a network; its record is completed and told to `keep` before anything is there, so
        that whatever a killed engine has made is found again. Raises RunnerError; then nothing of
        it stays, but for what was kept."""
        # no await from the look at the others to here: two cannot have the same interface
        record = self._plan(record)
        driver = self._make_driver(record)
        self._by_id[record.id] = network = Network(record, driver)
        try:
            keep(record)
            await driver.start()
        except BaseException:
            network.ending = True
            with contextlib.suppress(RunnerError):
                await self._take_away(network)
            self._by_id.pop(record.id, None)
            raise
        return record

    def _make_driver(self, record: NetworkRecord) -> Driver:
        return make_driver(record, self._addresses, self._iptables, self._firewalld, self._mapper)

    def _plan(self, record: NetworkRecord) -> NetworkRecord:
        """The network with its interface on the host, and whether that will be of our making: one
        that is there already belongs to somebody. Raises RunnerError."""
        others = [network.record for network in self._by_id.values()]
        record = check_network(record, others)
        made = bool(record.host_interface) and (
            not exists(record.host_interface)
            or any(one.made and one.host_interface == record.host_interface for one in others)
        )
        return msgspec.structs.replace(record, made=made)

    async def remove(self, network_id: str, *, used: Collection[str]) -> None:
        """Remove a network. Raises NotFound, Conflict while it is used, System."""
        network = self.get(network_id)
        if used or network.joining or network.ending:
            raise Conflict(f"network {network.name} is in use")
        network.ending = True
        try:
            await self._take_away(network)
        except BaseException:
            network.ending = False
            raise
        del self._by_id[network_id]

    async def _take_away(self, network: Network) -> None:
        if self._keeps_parent(network):
            await network.driver.close()
        else:
            await network.driver.purge()

    def _keeps_parent(self, network: Network) -> bool:
        """Whether another network is on the same parent interface, which then stays."""
        parent = network.record.host_interface
        return isinstance(network.driver, VlanDriver) and any(
            other is not network and other.record.host_interface == parent
            for other in self._by_id.values()
        )

    async def restore(
        self, records: Sequence[NetworkRecord], endpoints: Sequence[Endpoint]
    ) -> None:
        """Make what is missing of the networks, and take up their endpoints. The firewall's rules
        of all are written in one batch, without those of endpoints that are no more. Raises
        RunnerError for the default network only, if somebody is on it."""
        self._add(records)
        prepared: list[tuple[BridgeDriver, Any, list[Endpoint]]] = []
        for network_id, network in self._by_id.items():
            own = [endpoint for endpoint in endpoints if endpoint.network_id == network_id]
            try:
                if network is self._default and not own:
                    await self._close_default()
                elif isinstance(network.driver, BridgeDriver):
                    prepared.append((network.driver, await network.driver.prepare(own), own))
                else:
                    await network.driver.restore(own)
            except RunnerError as err:
                if network is self._default and own:
                    raise
                log.error("network %s could not be restored: %s", network.name, err)
        firewalls = [firewall for _, started, _ in prepared for firewall in started.firewalls]
        await install_all(self._iptables, firewalls)
        for driver, started, _ in prepared:
            driver.installed(started)
        for driver, _, own in prepared:
            await driver.take_up(own)

    async def reinstall(self) -> None:
        """Write the rules of all bridges anew: somebody has flushed them."""
        for network in list(self._by_id.values()):
            if isinstance(network.driver, BridgeDriver):
                await attempt(network.driver.reinstall(), f"restore the rules of {network.name}")

    async def _close_default(self) -> None:
        """Nobody is on it, so it is not needed yet; but where it is, containers that are gone may
        have left rules."""
        if exists(self._default.record.host_interface):
            await self._bridge.start()

    def _add(self, records: Sequence[NetworkRecord]) -> None:
        for record in records:
            try:
                driver = self._make_driver(record)
            except RunnerError as err:
                log.error("network %s could not be restored: %s", record.name, err)
            else:
                self._by_id[record.id] = Network(record, driver)

    async def stray_interfaces(self) -> list[str]:
        """Ports of our bridges that belong to no endpoint. Raises System."""
        found = []
        for network in self._by_id.values():
            if isinstance(network.driver, BridgeDriver):
                found += await network.driver.stray_interfaces()
        return found

    async def close(self) -> None:
        """Let go of sockets; the networks stay. Safe to call twice."""
        for network in self._by_id.values():
            await network.driver.close()

    async def purge(self) -> None:
        """Remove all networks. Idempotent. Raises System."""
        for network in self._by_id.values():
            await network.driver.purge()
