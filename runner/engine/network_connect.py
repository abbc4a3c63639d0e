"""Connecting containers to networks, at their start and while they run
(moby daemon/container_operations.go).

    network_connect, network_disconnect   what clients ask for
    connect_to_network                    the container, which has a sandbox, joins one network
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

import msgspec

from runner import trace
from runner.engine import links, network_files, network_settings
from runner.engine.networks import log_network, place_on
from runner.network import EndpointRequest, port_requests
from runner.types.errors import (
    Forbidden,
    InvalidParameter,
    NotFound,
    RunnerError,
)
from runner.types.ids import generate_id
from runner.types.modes import NetworkMode
from runner.types.network import EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.network import Endpoint, NetworkRecord, PortRequest

_INTERFACELESS: Final = ("host", "null")
_SHARED: Final = (
    "container sharing network namespace with another container or host cannot be connected to any "
    "other network"
)
_PATIENCE: Final = 20.0
"""Seconds that a container which has ended gets to give back what another one wants."""


async def network_connect(
    engine: Engine, reference: str, term: str, wanted: EndpointSettings | None
) -> None:
    """Put a container on a network, or, if it does not run, have it join at its start
    (moby ConnectToNetwork).

    Raises NotFound, InvalidParameter for what does not go together, Forbidden when it is on the
    network or an address is taken.
    """
    container = engine.containers.get(reference)
    settings = wanted or EndpointSettings()
    async with container.lock:
        if not container.state.running:
            _check_not_ending(container)
            _remember(engine, container, term, settings)
        else:
            await _connect_running(engine, container, term, settings)
        keep(engine, container)


def _check_not_ending(container: Container) -> None:
    if container.state.removal_in_progress or container.state.dead:
        raise RunnerError(
            f"Container {container.id} is marked for removal and cannot be connected or"
            " disconnected to the network"
        )


def _remember(engine: Engine, container: Container, term: str, settings: EndpointSettings) -> None:
    """The container does not run: it joins when it starts. The network may be made until then."""
    try:
        record = engine.networks.find(term)
    except NotFound:
        container.record.network_settings.networks[term] = settings
        return
    update_network_config(engine, container, record, settings)


async def _connect_running(
    engine: Engine, container: Container, term: str, settings: EndpointSettings
) -> None:
    if NetworkMode(container.host_config.network_mode).is_container:
        raise InvalidParameter(_SHARED)
    record = engine.networks.find(term)
    networks = dict(container.record.network_settings.networks)
    mac_addresses = dict(container.record.mac_addresses)
    try:
        endpoint = await connect_to_network(engine, container, record, settings)
    except BaseException:
        container.record.network_settings.networks = networks
        container.record.mac_addresses = mac_addresses
        network_settings.joined(engine, container)  # other ports may have been found for it
        keep(engine, container)
        raise
    if endpoint is not None:
        await network_files.joined(engine, container, endpoint)
    log_network(engine, record, "connect", {"container": container.id})


def keep(engine: Engine, container: Container) -> None:
    """Commit the container with its networking as it is now."""
    record = engine.network.record(container.id)
    container.record.network = msgspec.json.encode(record) if record else b""
    engine.containers.checkpoint(container)


async def connect_to_network(
    engine: Engine, container: Container, record: NetworkRecord, settings: EndpointSettings
) -> Endpoint | None:
    """Join a network (moby connectToNetwork); None for those without interfaces.

    Raises InvalidParameter for settings that the network does not allow, and what the network
    raises; then the container is as before, but for its settings.
    """
    began = time.monotonic()
    update_network_config(engine, container, record, settings)
    _check_endpoint(engine, container, record)
    settings.network_id = record.id
    endpoint: Endpoint | None = None
    if record.driver in _INTERFACELESS:
        settings.endpoint_id = generate_id()
    else:
        with trace.step("daemon.connectToNetwork", container=container.id) as step:
            endpoint = await _join(engine, container, record, settings)
            if step is not None:
                told = {"address": endpoint.address, "gateway": endpoint.gateway}
                step.note(network=record.name, interface=endpoint.interface, **told)
        network_settings.joined(engine, container)
    engine.metrics.network_action("connect", time.monotonic() - began)
    return endpoint


def _check_endpoint(engine: Engine, container: Container, record: NetworkRecord) -> None:
    """libnetwork CreateEndpoint."""
    if record.config_only:
        raise Forbidden("cannot create endpoint on configuration-only network")
    if record.driver in _INTERFACELESS:
        return
    own = engine.network.record(container.id)
    if own and any(endpoint.network_id == record.id for endpoint in own.endpoints):
        raise Forbidden(
            f"endpoint with name {container.name} already exists in network {record.name}"
        )


async def _join(
    engine: Engine, container: Container, record: NetworkRecord, settings: EndpointSettings
) -> Endpoint:
    request = _request(container, record, settings)
    await _released(engine, request)
    return await engine.network.join(container.id, request)


async def _released(engine: Engine, request: EndpointRequest) -> None:
    """Wait for addresses and ports that containers have which have ended for their clients."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while any(map(partial(has_ended, engine), _holders(engine, request))):
                await engine.network.next_release()


def _holders(engine: Engine, request: EndpointRequest) -> set[str]:
    """Who has what the request is for."""
    owner = engine.store.addresses.owner
    wanted = [address for address in (request.address, request.address6) if address is not None]
    owners = {owner(request.network_id, address) for address in wanted} - {""}
    return owners | engine.network.holders(request.ports)


def has_ended(engine: Engine, container_id: str) -> bool:
    """Whether only the container's teardown is left."""
    container = engine.containers.known(container_id)
    return container is None or not (container.state.running or container.lock.locked())


def _request(
    container: Container, record: NetworkRecord, settings: EndpointSettings
) -> EndpointRequest:
    """moby buildCreateEndpointOptions, buildJoinOptions."""
    ipam = settings.ipam_config
    mac = network_settings.requested_mac_address(container, record.name)
    if record.name == "bridge":
        mac = mac or container.config.mac_address
    return EndpointRequest(
        name=container.name,
        ports=ports_of(container),
        address=IPv4Address(ipam.ipv4_address) if ipam and ipam.ipv4_address else None,
        address6=IPv6Address(ipam.ipv6_address) if ipam and ipam.ipv6_address else None,
        link_local=tuple(map(ip_address, (ipam and ipam.link_local_ips) or ())),
        mac_address=mac,
        network_id=record.id,
        names=settings.dns_names or (),
        links=_linked(settings),
        priority=settings.gw_priority,
        options=settings.driver_opts or {},
    )


def _linked(settings: EndpointSettings) -> list[tuple[str, str]]:
    """What the container calls others on the network, each with its real name."""
    parsed = [links.parse_link(link) for link in settings.links or ()]
    return [(alias, name) for name, alias in parsed]


def ports_of(container: Container) -> Sequence[PortRequest]:
    """All that the container publishes, on whichever network leads outside."""
    host_config = container.host_config
    return port_requests(
        list(container.config.exposed_ports or {}),
        host_config.port_bindings,
        publish_all=host_config.publish_all_ports,
    )


def update_network_config(
    engine: Engine, container: Container, record: NetworkRecord, settings: EndpointSettings
) -> None:
    """Check the settings and make them the container's (moby updateNetworkConfig,
    updateNetworkSettings). Raises InvalidParameter."""
    if NetworkMode(record.name).is_user_defined:
        settings.dns_names = network_settings.endpoint_dns_names(container, settings.aliases)
    subnets = network_settings.configured_subnets(engine, record)
    network_settings.validate_endpoint(record.name, settings, subnets)
    _check_together(engine, container, record)
    networks = container.record.network_settings.networks
    if record.name not in networks:
        networks[record.name] = settings
        if settings.mac_address:
            container.record.mac_addresses[record.name] = settings.mac_address


def _check_together(engine: Engine, container: Container, record: NetworkRecord) -> None:
    """Which networks a container cannot be on together. All that it has been told are looked at;
    moby looks, in an order by chance, at those before the same one."""
    mode = NetworkMode(container.host_config.network_mode)
    if record.driver == "host" and not mode.is_host:
        raise InvalidParameter(
            "cannot connect container to host network - container must be created in host network"
            " mode"
        )
    for name in container.record.network_settings.networks:
        try:
            other = engine.networks.find(name)
        except RunnerError:
            continue
        if other.name == record.name:
            continue
        if "host" in (other.driver, record.driver):
            raise InvalidParameter(_SHARED)
        if "none" in (other.name, record.name):
            raise InvalidParameter(
                "container cannot be connected to multiple networks with one of the networks in"
                " private (none) mode"
            )


async def network_disconnect(
    engine: Engine, reference: str, term: str, *, force: bool = False
) -> None:
    """Take a container off a network, or, if it does not run, have it not join
    (moby DisconnectFromNetwork).

    Raises NotFound, InvalidParameter for the host's network, RunnerError when it is not on the
    network.
    """
    try:
        container = engine.containers.get(reference)
    except RunnerError:
        if not force:
            raise
        _no_stale_endpoint(engine, reference, term)
        return
    record: NetworkRecord | None = None
    missing: RunnerError | None = None
    try:
        record = engine.networks.find(term)
    except RunnerError as err:
        missing = err
    async with container.lock:
        if not container.state.running or (missing and force):
            _check_not_ending(container)
            _forget(container, record.name if record else term)
        elif record is None:
            assert missing is not None
            raise missing
        else:
            await _disconnect_running(engine, container, record)
        keep(engine, container)


def _no_stale_endpoint(engine: Engine, reference: str, term: str) -> None:
    """ForceEndpointDelete: an endpoint whose container is gone. There is none: they go with it."""
    engine.networks.find(term)
    raise NotFound(f"endpoint {reference} not found")


def _forget(container: Container, name: str) -> None:
    networks = container.record.network_settings.networks
    if name not in networks:
        raise RunnerError(f"container {container.id} is not connected to the network {name}")
    del networks[name]
    container.record.mac_addresses.pop(name, None)


async def _disconnect_running(engine: Engine, container: Container, record: NetworkRecord) -> None:
    """moby disconnectFromNetwork."""
    mode = NetworkMode(container.host_config.network_mode)
    if mode.is_host and record.driver == "host":
        raise InvalidParameter(
            "cannot disconnect container from host network - container was created in host network"
            " mode"
        )
    if place_on(container, record) is None:
        raise RunnerError(f"container {container.id} is not connected to network {record.name}")
    left = engine.network.record(container.id)
    leaving = [one for one in left.endpoints if one.network_id == record.id] if left else []
    await engine.network.leave(container.id, record.id, ports_of(container))
    _forget(container, record.name)
    network_settings.joined(engine, container)
    await network_files.left(container, leaving)
    log_network(engine, record, "disconnect", {"container": container.id})


def renamed(engine: Engine, container: Container) -> None:
    """The container has another name: it is found by that (moby ContainerRename)."""
    names: dict[str, list[str]] = {}
    for name, place in container.record.network_settings.networks.items():
        if NetworkMode(name).is_user_defined and place.endpoint_id:
            place.dns_names = network_settings.endpoint_dns_names(container, place.aliases)
            names[place.network_id] = place.dns_names
    engine.network.rename(container.id, container.name, names)
