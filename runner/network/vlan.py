"""The drivers macvlan and ipvlan (libnetwork drivers/macvlan, drivers/ipvlan): containers with
interfaces of their own on the network of one of the host's.

Containers on such a network reach each other and whoever is on the parent's link, but never the
host itself; nothing is published and nothing filtered.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.linux.namespaces import Clone, setns
from runner.network import rtnetlink as rt
from runner.network.attempt import attempt
from runner.network.bridge_link import delete_interface, find_link, generate_random_mac
from runner.network.driver import (
    Place,
    make_endpoint,
    normal_mac,
    release_addresses,
    settings_of,
)
from runner.network.interface import (
    Interface,
    configure_interface,
    interface_of,
    remove_interface,
    routes_of,
)
from runner.network.netlink import Netlink
from runner.network.threads import in_own_thread
from runner.types.errors import RunnerError, System
from runner.types.gotext import atoi

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.network.addresses import AddressPool
    from runner.network.ports import PortRequest
    from runner.network.records import Endpoint, EndpointRequest, NetworkRecord, Sandbox

_DUMMY_PREFIXES: Final = {"macvlan": "dm-", "ipvlan": "di-"}
_VLAN: Final = re.compile(r"[^.]+\.[^.]+")


@dataclass(frozen=True, slots=True)
class VlanConfig:
    """A network on the host's interface `parent`. `layer3`: whatever is not on the network is sent
    by its interface as if it were, since the parent routes."""

    kind: str
    parent: str
    mode: str
    flag: str
    internal: bool

    @property
    def layer3(self) -> bool:
        """Whether the kernel routes and nobody asks for MAC addresses."""
        return self.kind == "ipvlan" and self.mode != "l2"


def vlan_config(record: NetworkRecord) -> VlanConfig:
    """What the options ask for (parseNetworkOptions). Without a parent the network is internal and
    gets one that leads nowhere. Raises RunnerError."""
    kind, options = record.driver, record.options
    if kind == "macvlan":
        mode, flag, default = options.get("macvlan_mode") or "bridge", "", "bridge"
        known: Collection[str] = rt.MACVLAN_MODES
    else:
        mode, flag = options.get("ipvlan_mode") or "l2", options.get("ipvlan_flag") or "bridge"
        known, default = rt.IPVLAN_MODES, "l2"
    if mode not in known:
        raise RunnerError(
            f"requested {kind} mode '{mode}' is not valid, '{default}' mode is the {kind} driver"
            " default"
        )
    if flag and flag not in rt.IPVLAN_FLAGS:
        raise RunnerError(
            f"requested ipvlan flag '{flag}' is not valid, 'bridge' is the ipvlan driver default"
        )
    wanted = options.get("parent", "")
    if wanted == "lo":
        raise RunnerError(f"loopback interface is not a valid {kind} parent link")
    parent = wanted or f"{_DUMMY_PREFIXES[kind]}{record.id[:12]}"
    return VlanConfig(kind, parent, mode, flag, record.internal or not wanted)


def needs_gateway(record: NetworkRecord) -> bool:
    """GetSkipGwAlloc. Raises RunnerError."""
    config = vlan_config(record)
    return not (config.layer3 or config.internal)


def check_parent(record: NetworkRecord, others: Sequence[NetworkRecord]) -> None:
    """Raise RunnerError when another network has the parent for itself (createNetwork)."""
    config = vlan_config(record)
    for other in others:
        if other.driver != record.driver or vlan_config(other).parent != config.parent:
            continue
        if config.kind == "ipvlan":
            name = f"{_DUMMY_PREFIXES['ipvlan']}{other.id[:12]}"
            raise RunnerError(f"network {name} is already using parent interface {config.parent}")
        if config.mode == "passthru":
            raise RunnerError(
                f"cannot use mode passthru, macvlan network {other.id} is already using parent"
                f" interface {config.parent}"
            )
        if vlan_config(other).mode == "passthru":
            raise RunnerError(
                f"macvlan network {other.id} is already using parent interface {config.parent} in"
                " mode passthru"
            )


def ensure_parent(host: Netlink, config: VlanConfig) -> bool:
    """Make the parent if it is missing and can be made: a VLAN's subinterface, or one that leads
    nowhere. Whether it was made. Blocks. Raises RunnerError, OSError."""
    if find_link(host, config.parent) is not None:
        return False
    if config.parent.startswith(_DUMMY_PREFIXES[config.kind]):
        host.execute(rt.new_dummy(config.parent))
    else:
        _make_vlan(host, config.parent)
    host.execute(rt.set_up(rt.parse_link(host.ask(rt.get_link(config.parent))).index))
    return True


def _make_vlan(host: Netlink, name: str) -> None:
    """createVlanLink, parseVlan."""
    if "." not in name:
        raise RunnerError(f"invalid subinterface vlan name {name}, example formatting is eth0.10")
    if not _VLAN.fullmatch(name):
        raise RunnerError(
            "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead"
            f" received {name}"
        )
    parent, _, number = name.partition(".")
    try:
        tag = atoi(number)
    except ValueError:
        raise RunnerError(
            f"unable to parse a valid vlan id from: {number} (ex. eth0.10 for vlan 10)"
        ) from None
    link = find_link(host, parent)
    if link is None:
        raise RunnerError(f"-o parent interface was not found on the host: {parent}")
    if not 1 <= tag <= 4094:
        raise RunnerError(f"vlan id must be between 1-4094, received: {tag}")
    try:
        host.execute(rt.new_vlan(name, link.index, tag))
    except OSError as err:
        raise RunnerError(f"failed to create {name} vlan link: {error_text(err)}") from err


class VlanDriver:
    """One network of either kind."""

    prefix: Final = "eth"

    def __init__(self, record: NetworkRecord, addresses: AddressPool) -> None:
        self._record = record
        self._config = vlan_config(record)
        self._addresses = addresses
        self._starting = asyncio.Lock()
        self._host: Netlink | None = None
        self.made_parent = record.made

    async def start(self) -> None:
        """See Driver."""
        host, config = self._netlink(), self._config
        async with self._starting:
            try:
                made = await in_own_thread(lambda: ensure_parent(host, config))
            except OSError as err:
                raise RunnerError(error_text(err)) from err
            self.made_parent = self.made_parent or made

    async def restore(self, endpoints: Sequence[Endpoint]) -> None:
        """See Driver."""
        del endpoints  # their interfaces are the containers'
        await self.start()

    async def gateways(self, sandbox: Sandbox) -> tuple[bool, bool]:
        """See Driver."""
        if self._config.internal:
            return False, False
        found = {
            ip_network(pool.subnet).version
            for pool in self._record.pools
            if pool.gateway or self._config.layer3
        }
        return 4 in found, 6 in found and sandbox.ipv6

    async def create_endpoint(
        self, sandbox: Sandbox, request: EndpointRequest, place: Place
    ) -> Endpoint:
        """See Driver (CreateEndpoint, Join)."""
        config = self._config
        if config.kind == "ipvlan" and request.mac_address:
            raise RunnerError("ipvlan interfaces do not support custom mac address assignment")
        async with AsyncExitStack() as undo:
            endpoint = await self._make_endpoint(sandbox, request, place, undo)
            routes = routes_of(
                endpoint if place.leads4 else None, endpoint if place.leads6 else None
            )
            interface = interface_of(endpoint, routes, settings_of(request.options))
            await self._create_interface(sandbox, interface)
            undo.pop_all()
        return endpoint

    async def delete_endpoint(
        self, endpoint: Endpoint, sandbox: Sandbox, *, alive: bool = False
    ) -> bool:
        """See Driver. The interface goes with its namespace; until then nobody gets its address."""
        gone = True
        if alive:
            key, name = Path(sandbox.key), endpoint.ifname
            gone = await attempt(
                in_own_thread(lambda: remove_interface(key, name)), f"remove interface {name}"
            )
        return await release_addresses(self._addresses, endpoint) and gone

    async def publish(
        self, endpoint: Endpoint, ports: Sequence[PortRequest], families: Collection[int]
    ) -> Endpoint:
        """See Driver. Who wants a container's ports asks for them at its own address."""
        del ports, families
        return endpoint

    async def withdraw(self, endpoint: Endpoint) -> Endpoint:
        """See Driver."""
        return endpoint

    async def close(self) -> None:
        """See Driver."""
        if self._host is not None:
            self._host.close()
            self._host = None

    async def purge(self) -> None:
        """See Driver. The parent goes too if we have made it."""
        host, parent = self._netlink(), self._config.parent
        try:
            if self.made_parent:
                await in_own_thread(lambda: delete_interface(host, parent))
        except OSError as err:
            raise System(f"failed to remove {parent}: {error_text(err)}") from err
        await self.close()

    def _netlink(self) -> Netlink:
        if self._host is None:
            self._host = Netlink()
        return self._host

    async def _make_endpoint(
        self, sandbox: Sandbox, request: EndpointRequest, place: Place, undo: AsyncExitStack
    ) -> Endpoint:
        record, config = self._record, self._config
        mac_address = normal_mac(request.mac_address)
        if not mac_address and config.kind == "macvlan":
            mac_address = generate_random_mac()
        return await make_endpoint(
            self._addresses,
            (record.id, record.name),
            record.pools,
            sandbox,
            request,
            place,
            gateways=not (config.internal or config.layer3),
            undo=undo,
            interface="",
            mac_address=mac_address,
            driver=config.kind,
            link_route=config.layer3 and not config.internal,
            internal=config.internal,
        )

    async def _create_interface(self, sandbox: Sandbox, wanted: Interface) -> None:
        host, key, config = self._netlink(), Path(sandbox.key), self._config
        try:
            await in_own_thread(lambda: _create(host, key, config, wanted))
        except OSError as err:
            raise RunnerError(
                f"failed to create the {config.kind} port: {error_text(err)}"
            ) from err


def _create(host: Netlink, key: Path, config: VlanConfig, wanted: Interface) -> None:
    """Make the interface in the sandbox at `key`, and stay in that."""
    parent = find_link(host, config.parent)
    if parent is None:
        raise RunnerError(
            f"the requested parent interface {config.parent} was not found on the Docker host"
        )
    modes = rt.MACVLAN_MODES if config.kind == "macvlan" else rt.IPVLAN_MODES
    namespace = os.open(key, os.O_RDONLY | os.O_CLOEXEC)
    try:
        slave = rt.Slave(
            kind=config.kind,
            name=wanted.name,
            parent=parent.index,
            mode=modes[config.mode],
            flags=rt.IPVLAN_FLAGS.get(config.flag, 0),
            mac_address=wanted.mac_address,
            namespace=namespace,
        )
        host.execute(rt.new_slave(slave))
        setns(namespace, Clone.NEWNET)
    finally:
        os.close(namespace)
    try:
        configure_interface(wanted)
    except BaseException:
        _remove(wanted.name)
        raise


def _remove(name: str) -> None:
    """Take the interface out of the thread's namespace again."""
    with Netlink() as sandbox:
        try:
            sandbox.execute(rt.delete_link(name))
        except OSError as err:
            if err.errno != errno.ENODEV:
                raise
