"""The facade of the package (libnetwork Controller): sandboxes by container, endpoints in them.

    new_sandbox      a namespace with its loopback up; for `--network none` that is all
    join             an endpoint in it: address, interface, published ports
    delete_sandbox   all of it back

A container keeps its networking when the engine ends, however it ends: namespaces, interfaces and
rules are the kernel's. The next engine takes them up with `restore`.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.linux.libc import error_text
from runner.network import netns
from runner.network.attempt import attempt
from runner.network.bridge import INTERFACE, BridgeDriver
from runner.network.forwarding import enable_forwarding
from runner.network.iptables import IPTables
from runner.network.records import Leftovers, Sandbox, SandboxRecord
from runner.network.threads import in_own_thread
from runner.types.errors import NotFound, System
from runner.types.ids import generate_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from runner.network.addresses import AddressPool
    from runner.network.bridge_link import BridgeNetwork
    from runner.network.records import BridgeConfig, Endpoint, EndpointRequest

log = logging.getLogger(__name__)

_DEFAULT: Final = "default"
"""The file that shows the host's own namespace."""
_KEY_LENGTH: Final = 12


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
        self._bridge = BridgeDriver(bridge, addresses, iptables)
        self._records: dict[str, SandboxRecord] = {}

    @property
    def default_network(self) -> BridgeNetwork | None:
        """The default bridge network, once something has needed it."""
        return self._bridge.network

    async def enable_forwarding(self, *, drop: bool) -> None:
        """Let the host forward packets; see `forwarding`. Raises System."""
        try:
            await in_own_thread(lambda: enable_forwarding(self._iptables, drop=drop))
        except OSError as err:
            raise System(f"failed to enable IPv4 forwarding: {error_text(err)}") from err

    async def start(self) -> None:
        """Make the default bridge network unless it is there. Idempotent.

        `join` does it by itself. Raises InvalidParameter, System.
        """
        await self._bridge.start()

    async def restore(self, records: Iterable[SandboxRecord]) -> None:
        """Take up what runs since before this engine. Once, before anything else, even with no
        records: published ports that are not among them are closed by the first that is opened.

        Raises InvalidParameter, System.
        """
        self._records = {record.sandbox.container_id: record for record in records}
        endpoints = [endpoint for record in self._records.values() for endpoint in record.endpoints]
        await self._bridge.restore(endpoints)

    async def close(self) -> None:
        """Let go. Containers keep their networks; only IPv6's way to IPv4 containers, which the
        engine itself is, ends. Safe to call twice."""
        await self._bridge.close()

    async def purge(self) -> None:
        """Remove everything of this controller, running containers' networking included.
        Idempotent. Raises System."""
        for container_id in list(self._records):
            await self.delete_sandbox(container_id)
        await self._bridge.purge()
        for key in netns.listed(self._directory):
            await self._remove_namespace(key)
        if self._directory.is_dir():
            self._directory.rmdir()

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
        return [INTERFACE for _ in self._require(container_id).endpoints]

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
        """Put the container's sandbox on the default network (libnetwork Endpoint.Join).

        Raises NotFound without a sandbox, System, Conflict, InvalidParameter; then nothing of the
        endpoint stays.
        """
        record = self._require(container_id)
        endpoint = await self._bridge.create_endpoint(record.sandbox, request)
        self._records[container_id] = SandboxRecord(record.sandbox, (*record.endpoints, endpoint))
        return endpoint

    async def delete_sandbox(self, container_id: str) -> bool:
        """Take the container off its networks and let go of its namespace
        (libnetwork Sandbox.Delete); whether all went well, if not it may be tried again.
        Idempotent."""
        record = self._records.get(container_id)
        if record is None:
            return True
        results = [record.sandbox.host or await self._remove_namespace(Path(record.sandbox.key))]
        results += [await self._bridge.delete_endpoint(endpoint) for endpoint in record.endpoints]
        if done := all(results):
            self._records.pop(container_id, None)
        return done

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
            interfaces=tuple(await self._bridge.stray_interfaces()),
        )

    async def remove_leftovers(self, leftovers: Leftovers) -> bool:
        """Remove what `leftovers` found; whether all went well. Idempotent."""
        results = [await self._bridge.remove_interface(name) for name in leftovers.interfaces]
        results += [await self._remove_namespace(Path(key)) for key in leftovers.namespaces]
        return all(results)

    def _keep(self, sandbox: Sandbox) -> Sandbox:
        """Remember the sandbox as it is now."""
        known = self._records.get(sandbox.container_id)
        endpoints = known.endpoints if known else ()
        self._records[sandbox.container_id] = SandboxRecord(sandbox, endpoints)
        return sandbox

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


def _create(key: Path) -> bool:
    netns.create(key)
    return netns.has_ipv6()


def _pin(key: Path) -> bool:
    netns.pin_own(key)
    return netns.has_ipv6()


def _look(key: Path) -> bool:
    netns.enter(key)
    return netns.has_ipv6()


async def _in_thread(work: Callable[[], bool], what: str) -> bool:
    try:
        return await in_own_thread(work)
    except OSError as err:
        raise System(f"failed to {what}: {error_text(err)}") from err
