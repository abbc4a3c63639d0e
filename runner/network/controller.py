"""The facade of the package (libnetwork Controller): networks, sandboxes by container, endpoints.

    create_network   a network of the user's; remove_network undoes it
    new_sandbox      a namespace with its loopback up; for `--network none` that is all
    join             an endpoint in it: address, interface, published ports; leave undoes it
    start_resolver   a name server in it, for networks where containers know each other by name
    delete_sandbox   all of it back

A container keeps its networking when the engine ends, however it ends: namespaces, interfaces and
rules are the kernel's. The next engine takes them up with `restore`; only the name servers and
IPv6's way to IPv4 containers, which the engine itself is, are away until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.linux.libc import error_text
from runner.network import netns
from runner.network.attempt import attempt
from runner.network.bridge import BridgeDriver
from runner.network.driver import Place
from runner.network.firewalld import Firewalld
from runner.network.forwarding import drop_by_default, enable_forwarding
from runner.network.gateway import Candidate, Gateways, select
from runner.network.interface import routes_of, set_routes
from runner.network.iptables import IPTables
from runner.network.names import NameTable
from runner.network.networks import Networks
from runner.network.port_allocator import PortAllocator, read_port_settings
from runner.network.port_mapper import PortMapper
from runner.network.ports import holders
from runner.network.records import Leftovers, ResolverRecord, Sandbox, SandboxRecord
from runner.network.threads import in_own_thread
from runner.types.errors import NotFound, RunnerError, System
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from runner.network.addresses import AddressPool
    from runner.network.bridge_link import BridgeNetwork
    from runner.network.ip import IPAddress
    from runner.network.networks import Network
    from runner.network.ports import PortRequest
    from runner.network.records import (
        BridgeConfig,
        Endpoint,
        EndpointRequest,
        NameServer,
        NetworkRecord,
    )
    from runner.network.resolver import Resolver

log = logging.getLogger(__name__)

_DEFAULT: Final = "default"
"""The file that shows the host's own namespace."""
_KEY_LENGTH: Final = 12
_IFNAME: Final = "com.docker.network.endpoint.ifname"


class NetworkController:
    """The networking of one engine's containers.

    Calls for one container must not overlap; those for different ones may. Errors are those of
    `runner.types.errors`.
    """

    def __init__(
        self,
        exec_root: Path,
        addresses: AddressPool,
        bridge: BridgeConfig,
        iptables: IPTables = IPTables(),  # noqa: B008 (immutable)
    ) -> None:
        self._directory = exec_root / "netns"
        self._iptables = iptables
        self._mapper = PortMapper(PortAllocator(*read_port_settings()))
        self._firewalld = Firewalld()
        self._drops = False
        self._bridge = BridgeDriver(bridge, addresses, iptables, self._firewalld, self._mapper)
        self._networks = Networks(
            self._bridge, bridge, addresses, iptables, self._firewalld, self._mapper
        )
        self._records: dict[str, SandboxRecord] = {}
        self._resolvers: dict[str, Resolver] = {}
        self._names = NameTable()
        self._release = asyncio.Event()

    # --- networks -------------------------------------------------------------------------------

    @property
    def default_network(self) -> BridgeNetwork | None:
        """The default bridge network, once something has needed it."""
        return self._bridge.network

    async def enable_forwarding(self, *, drop: bool) -> None:
        """Let the host forward packets; see `forwarding`. Raises System."""
        try:
            self._drops = await in_own_thread(lambda: enable_forwarding(self._iptables, drop=drop))
        except OSError as err:
            raise System(f"failed to enable IPv4 forwarding: {error_text(err)}") from err

    async def start(self) -> None:
        """Make the default bridge network unless it is there. Idempotent.

        `join` does it by itself. Raises InvalidParameter, System.
        """
        await self._bridge.start()

    async def create_network(
        self, record: NetworkRecord, keep: Callable[[NetworkRecord], None]
    ) -> NetworkRecord:
        """Make a network; its record, completed, is told to `keep` before anything of it is there.
        Raises RunnerError; then nothing of it stays, but for what was kept."""
        return await self._networks.create(record, keep)

    async def remove_network(self, network_id: str) -> None:
        """Remove a network that no sandbox is on. Raises NotFound, Conflict while one is, System
        when something of it stays."""
        await self._networks.remove(network_id, used=self.uses(network_id))

    def uses(self, network_id: str) -> list[str]:
        """The containers that are on a network, or are going off it."""
        return [
            container_id
            for container_id, record in self._records.items()
            if any(endpoint.network_id == network_id for endpoint in record.endpoints)
        ]

    def holders(self, ports: Iterable[PortRequest]) -> set[str]:
        """The containers that have, or are giving back, all that one of these could be given."""
        published = [
            (container_id, port)
            for container_id, record in self._records.items()
            for endpoint in record.endpoints
            for port in endpoint.ports
        ]
        return holders(ports, published)

    async def restore(
        self, records: Iterable[SandboxRecord], networks: Sequence[NetworkRecord] = ()
    ) -> None:
        """Take up what runs since before this engine. Once, before anything else, even with no
        records: published ports that are not among them are closed by the first that is opened.

        Raises InvalidParameter, System for the default network; that another one cannot be had is
        logged.
        """
        self._records = {record.sandbox.container_id: record for record in records}
        await self._firewalld.open(self._reinstall)
        endpoints = [endpoint for record in self._records.values() for endpoint in record.endpoints]
        await self._networks.restore(networks, endpoints)
        for endpoint in endpoints:
            self._names.add(endpoint)
        for record in self._records.values():
            if record.resolver is not None:
                await self._restore_resolver(record)

    async def _reinstall(self) -> None:
        """Put in place again what somebody has flushed of the firewall."""
        await self._networks.reinstall()
        if self._drops:
            await in_own_thread(lambda: drop_by_default(self._iptables))

    def adopt(self, record: SandboxRecord) -> None:
        """Know of a sandbox whose container ended while no engine ran: it is to be deleted."""
        self._records.setdefault(record.sandbox.container_id, record)

    async def close(self) -> None:
        """Let go. Containers keep their networks. Safe to call twice."""
        for container_id in list(self._resolvers):
            await self._resolvers.pop(container_id).close()
        await self._firewalld.close()
        await self._networks.close()
        await self._mapper.close()

    async def purge(self) -> None:
        """Remove everything of this controller, running containers' networking included.
        Idempotent. Raises System."""
        for container_id in list(self._records):
            await self.delete_sandbox(container_id)
        await self._networks.purge()
        for key in netns.listed(self._directory):
            await self._remove_namespace(key)
        if self._directory.is_dir():
            self._directory.rmdir()

    # --- sandboxes ------------------------------------------------------------------------------

    def sandbox(self, container_id: str) -> Sandbox | None:
        """The container's sandbox, if it has one."""
        record = self._records.get(container_id)
        return record.sandbox if record else None

    def record(self, container_id: str) -> SandboxRecord | None:
        """What to keep about the container for `restore`."""
        return self._records.get(container_id)

    def interfaces(self, container_id: str) -> list[str]:
        """What the sandbox's interfaces are called inside it, its loopback aside.

        Raises NotFound without a sandbox."""
        return [endpoint.ifname for endpoint in self._require(container_id).endpoints]

    async def new_sandbox(self, container_id: str) -> Sandbox:
        """Make a namespace for the container (libnetwork NewSandbox, moby initializeNetworking);
        what an earlier run has left goes first. Raises System."""
        await self.delete_sandbox(container_id)
        identifier = generate_id()
        key = self._directory / identifier[:_KEY_LENGTH]
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.delete_sandbox, container_id)
            sandbox = self._keep(Sandbox(container_id, identifier, str(key)))
            ipv6 = await _in_thread(lambda: _create(key), "create network namespace")
            sandbox = self._keep(msgspec.structs.replace(sandbox, ipv6=ipv6))
            undo.pop_all()
        return sandbox

    async def host_sandbox(self, container_id: str) -> Sandbox:
        """The host's own namespace as the container's sandbox (OptionUseDefaultSandbox).
        Raises System."""
        await self.delete_sandbox(container_id)
        key = self._directory / _DEFAULT
        ipv6 = await _in_thread(lambda: _pin(key), "show the host's network namespace")
        return self._keep(Sandbox(container_id, generate_id(), str(key), host=True, ipv6=ipv6))

    async def refresh(self, container_id: str) -> Sandbox:
        """Look again whether the sandbox has IPv6: the container's sysctls, which are set while its
        task is created, may have turned it off. Raises NotFound, System."""
        sandbox = self._require(container_id).sandbox
        if sandbox.host:
            return sandbox
        key = Path(sandbox.key)
        ipv6 = await _in_thread(lambda: _look(key), "enter network namespace")
        return self._keep(msgspec.structs.replace(sandbox, ipv6=ipv6))

    async def join(self, container_id: str, request: EndpointRequest) -> Endpoint:
        """Put the container's sandbox on a network (libnetwork Endpoint.Join).

        Raises NotFound without a sandbox or network, and what the network's driver raises; then
        nothing of the endpoint stays.
        """
        record = self._require(container_id)
        with self._networks.in_use(request.network_id) as network:
            place = await self._place(record, request, network)
            async with AsyncExitStack() as undo:
                driver, sandbox = network.driver, record.sandbox
                endpoint = await driver.create_endpoint(sandbox, request, place)
                undo.push_async_callback(driver.delete_endpoint, endpoint, sandbox, alive=True)
                endpoints = (*record.endpoints, endpoint)
                endpoints = await self._move_gateway(record, endpoints, request.ports, place)
                undo.pop_all()
        self._keep_endpoints(container_id, endpoints)
        endpoint = endpoints[-1]
        self._names.add(endpoint)
        return endpoint

    async def leave(self, container_id: str, network_id: str, ports: Sequence[PortRequest]) -> None:
        """Take the container's sandbox off a network, and go on without (Endpoint.Leave, Delete).
        `ports` are all that the container publishes. Raises NotFound."""
        record = self._require(container_id)
        staying = tuple(one for one in record.endpoints if one.network_id != network_id)
        leaving = [one for one in record.endpoints if one.network_id == network_id]
        for endpoint in leaving:
            self._names.remove(endpoint)
            driver = self._networks.get(endpoint.network_id).driver
            await driver.delete_endpoint(endpoint, record.sandbox, alive=True)
        self._keep_endpoints(container_id, staying)
        try:
            staying = await self._move_gateway(record, staying, ports)
        except RunnerError as err:
            log.error("failed to set gateway: %s", err, extra={"container": container_id})
        self._keep_endpoints(container_id, staying)

    def hide(self, container_id: str) -> None:
        """Nobody finds the container by its names any more: it has ended. Idempotent."""
        if record := self._records.get(container_id):
            for endpoint in record.endpoints:
                self._names.remove(endpoint)

    def rename(self, container_id: str, name: str, names: Mapping[str, Sequence[str]]) -> None:
        """The container has another name; `names` are what it is called from now on, by network
        (Endpoint.UpdateDNSNames)."""
        if (record := self._records.get(container_id)) is None:
            return
        self.hide(container_id)
        endpoints = tuple(
            msgspec.structs.replace(
                endpoint,
                name=name,
                names=tuple(names.get(endpoint.network_id, endpoint.names)),
            )
            for endpoint in record.endpoints
        )
        self._keep_endpoints(container_id, endpoints)
        for endpoint in endpoints:
            self._names.add(endpoint)

    async def start_resolver(
        self, container_id: str, servers: Sequence[NameServer], *, ndots: bool
    ) -> None:
        """Give the sandbox a name server, unless it has one (Sandbox.startResolver). Raises
        NotFound, System."""
        if container_id in self._resolvers:
            return
        await self._start_resolver(container_id, ResolverRecord(0, 0, tuple(servers), ndots))

    async def delete_sandbox(self, container_id: str) -> bool:
        """Take the container off its networks and let go of its namespace
        (libnetwork Sandbox.Delete); whether all went well, if not it may be tried again.
        Idempotent."""
        record = self._records.get(container_id)
        if record is None:
            return True
        self.hide(container_id)
        if resolver := self._resolvers.pop(container_id, None):
            await resolver.close()
        sandbox = record.sandbox
        results = [await self._before_the_end(record)]
        results += [sandbox.host or await self._remove_namespace(Path(sandbox.key))]
        for endpoint in record.endpoints:
            network = self._networks.known(endpoint.network_id)
            results.append(
                network is None or await network.driver.delete_endpoint(endpoint, sandbox)
            )
        if done := all(results):
            self._records.pop(container_id, None)
            release, self._release = self._release, asyncio.Event()
            release.set()
        return done

    async def next_release(self) -> None:
        """Wait until some container has given everything back."""
        await self._release.wait()

    async def leftovers(self, known_ids: Collection[str]) -> Leftovers:
        """What none of the known containers owns. Raises System."""
        keys = {_DEFAULT} | {
            Path(record.sandbox.key).name
            for container_id, record in self._records.items()
            if container_id in known_ids
        }
        namespaces = [key for key in netns.listed(self._directory) if key.name not in keys]
        return Leftovers(
            namespaces=tuple(map(str, namespaces)),
            interfaces=tuple(await self._networks.stray_interfaces()),
        )

    async def remove_leftovers(self, leftovers: Leftovers) -> bool:
        """Remove what `leftovers` found; whether all went well. Idempotent."""
        results = [await self._bridge.remove_interface(name) for name in leftovers.interfaces]
        results += [await self._remove_namespace(Path(key)) for key in leftovers.namespaces]
        return all(results)

    # --- what containers ask their resolvers ------------------------------------------------------

    def addresses_of(self, container_id: str, name: str) -> list[IPAddress] | None:
        """Who is called so, as the container sees it; None when nobody is."""
        record = self._records.get(container_id)
        return self._names.resolve(record.endpoints, name) if record else None

    def name_of(self, container_id: str, address: IPAddress) -> str:
        """Who has the address, as the container sees it; empty for nobody."""
        record = self._records.get(container_id)
        return self._names.name_of(record.endpoints, address) if record else ""

    async def _start_resolver(self, container_id: str, wanted: ResolverRecord) -> None:
        from runner.network.resolver import start_resolver  # dnspython takes its time

        record = self._require(container_id)
        directory = _Directory(self, container_id)
        resolver = await start_resolver(Path(record.sandbox.key), self._iptables, directory, wanted)
        self._resolvers[container_id] = resolver
        self._records[container_id] = msgspec.structs.replace(
            self._require(container_id), resolver=resolver.record
        )
        self._forward_names(container_id)

    async def _restore_resolver(self, record: SandboxRecord) -> None:
        assert record.resolver is not None
        try:
            await self._start_resolver(record.sandbox.container_id, record.resolver)
        except RunnerError as err:
            log.error("%s", err, extra={"container": record.sandbox.container_id})

    def _forward_names(self, container_id: str) -> None:
        """Ask others, from the host, only for containers that reach them (SetForwardingPolicy)."""
        if resolver := self._resolvers.get(container_id):
            endpoints = self._require(container_id).endpoints
            resolver.forward = any(
                not endpoint.internal
                and (endpoint.gateway or endpoint.gateway6 or endpoint.link_route)
                for endpoint in endpoints
            )

    # --- the way outside --------------------------------------------------------------------------

    async def _place(
        self, record: SandboxRecord, request: EndpointRequest, network: Network
    ) -> Place:
        """What the new interface is called, and whether it will lead outside."""
        leads4, leads6 = await network.driver.gateways(record.sandbox)
        new = Candidate("", network.name, request.priority, network.internal, leads4, leads6)
        found4, found6 = select((*map(Candidate.of, record.endpoints), new))
        return Place(
            ifname=request.options.get(_IFNAME) or _free_name(record, network.driver.prefix),
            leads4=leads4 and found4 == "",
            leads6=leads6 and found6 == "",
        )

    async def _move_gateway(
        self,
        before: SandboxRecord,
        endpoints: tuple[Endpoint, ...],
        ports: Sequence[PortRequest],
        place: Place | None = None,
    ) -> tuple[Endpoint, ...]:
        """Have the sandbox's routes and published ports where they belong now; the endpoints as
        they are then. `place` is that of the last one, which has its routes already. Raises
        RunnerError."""
        old, new = Gateways.of(before.endpoints), Gateways.of(endpoints)
        if _moved(old, new) and (before.endpoints or place is None):
            key, routes = Path(before.sandbox.key), routes_of(new.ipv4, new.ipv6)
            await _in_thread(lambda: set_routes(key, routes), "set the default route")
        publishing = [(one, new.families(one)) for one in endpoints]
        changed = dict.fromkeys(
            one.id for one, families in publishing if families != old.families(one)
        )
        moved: dict[str, Endpoint] = {}
        for one in endpoints:
            if one.id in changed and one.ports:
                moved[one.id] = await self._networks.get(one.network_id).driver.withdraw(one)
        try:
            for one, families in publishing:
                if one.id in changed and families and not one.internal:
                    driver = self._networks.get(one.network_id).driver
                    moved[one.id] = await driver.publish(moved.get(one.id, one), ports, families)
        except RunnerError:
            await self._move_back(before, moved, ports)
            raise
        return tuple(moved.get(one.id, one) for one in endpoints)

    async def _move_back(
        self, before: SandboxRecord, moved: dict[str, Endpoint], ports: Sequence[PortRequest]
    ) -> None:
        """Make the way outside what it was, as far as that can be had again."""
        old, restored = Gateways.of(before.endpoints), []
        for one in before.endpoints:
            if one.id in moved:
                driver = self._networks.get(one.network_id).driver
                one = await driver.withdraw(moved[one.id])
                with contextlib.suppress(RunnerError):
                    one = await driver.publish(one, ports, old.families(one))
            restored.append(one)
        if restored:
            key, routes = Path(before.sandbox.key), routes_of(old.ipv4, old.ipv6)
            await attempt(in_own_thread(lambda: set_routes(key, routes)), "set the default route")
        self._keep_endpoints(before.sandbox.container_id, tuple(restored))

    # --- keeping ----------------------------------------------------------------------------------

    async def _before_the_end(self, record: SandboxRecord) -> bool:
        """Tell the drivers that want to know before the namespace goes."""
        results = []
        for endpoint in record.endpoints:
            network = self._networks.known(endpoint.network_id)
            if network is not None and endpoint.driver == "cni":
                results.append(
                    await network.driver.delete_endpoint(endpoint, record.sandbox, alive=True)
                )
        return all(results)

    def _keep(self, sandbox: Sandbox) -> Sandbox:
        """Remember the sandbox as it is now."""
        known = self._records.get(sandbox.container_id)
        self._records[sandbox.container_id] = (
            msgspec.structs.replace(known, sandbox=sandbox) if known else SandboxRecord(sandbox)
        )
        return sandbox

    def _keep_endpoints(self, container_id: str, endpoints: tuple[Endpoint, ...]) -> None:
        self._records[container_id] = msgspec.structs.replace(
            self._require(container_id), endpoints=endpoints
        )
        self._forward_names(container_id)

    def _require(self, container_id: str) -> SandboxRecord:
        record = self._records.get(container_id)
        if record is None:
            raise NotFound(f"sandbox of container {container_id} not found")
        return record

    @staticmethod
    async def _remove_namespace(key: Path) -> bool:
        return await attempt(
            in_own_thread(lambda: netns.remove(key)), f"remove network namespace {key}"
        )


class _Directory:
    """Names as one container sees them."""

    def __init__(self, controller: NetworkController, container_id: str) -> None:
        self._controller = controller
        self._container_id = container_id

    def addresses_of(self, name: str) -> list[IPAddress] | None:
        """See Directory."""
        return self._controller.addresses_of(self._container_id, name)

    def name_of(self, address: IPAddress) -> str:
        """See Directory."""
        return self._controller.name_of(self._container_id, address)


def _free_name(record: SandboxRecord, prefix: str) -> str:
    """The next number that no interface of the sandbox has."""
    taken = {endpoint.ifname for endpoint in record.endpoints}
    number = 0
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def _moved(old: Gateways, new: Gateways) -> bool:
    """Whether another endpoint leads outside."""
    pairs = ((old.ipv4, new.ipv4), (old.ipv6, new.ipv6))
    return any((one and one.id) != (other and other.id) for one, other in pairs)


def _create(key: Path) -> bool:
    netns.create(key)
    return netns.has_ipv6()


def _pin(key: Path) -> bool:
    netns.pin_own(key)
    return netns.has_ipv6()


def _look(key: Path) -> bool:
    netns.enter(key)
    return netns.has_ipv6()


async def _in_thread(work: Callable[[], bool | None], what: str) -> bool:
    try:
        return bool(await in_own_thread(work))
    except OSError as err:
        raise System(f"failed to {what}: {error_text(err)}") from err
