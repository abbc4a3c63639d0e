"""A container's place on the network, from its start to its end.

    initialize_networking   sandbox (the namespace), hosts, hostname, resolv.conf
    allocate_network        endpoints, published ports; beside Tasks.Create, before Tasks.Start
    release_network         all of it back

Source: moby daemon/container_operations*.go; `runner.network` is libnetwork.
"""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine import network_settings
from runner.engine.references import joinable
from runner.network import (
    BridgeConfig,
    EndpointRequest,
    NetworkController,
    NetworkFiles,
    ResolutionConfig,
    SandboxRecord,
    port_requests,
    write_initial,
    write_joined,
)
from runner.oci import request as oci
from runner.types.errors import NotFound, RunnerError, System
from runner.types.ids import generate_id
from runner.types.modes import NetworkMode

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.container import Config, HostConfig

log = logging.getLogger(__name__)

ERR_SETUP_NETWORKING = "failed to set up container networking"
"""Marks errors after which an exit is no exit: the task only ran to be deleted again."""

_DRIVERS = {"bridge": "bridge", "host": "host", "none": "null"}
"""The predefined networks, with their drivers as events name them."""


def make_controller(engine: Engine) -> NetworkController:
    """The controller; the default bridge keeps its ID across restarts."""
    config = engine.config
    return NetworkController(
        exec_root=config.exec_root,
        addresses=engine.store.addresses,
        bridge=BridgeConfig(
            network_id=network_id(engine, "bridge"), name=config.bridge, bip=config.bip
        ),
    )


async def enable_forwarding(engine: Engine) -> None:
    """Have the host forward packets, as dockerd does at its start. Where that cannot be had
    containers run without a way out, and whoever creates one is warned."""
    try:
        await engine.network.enable_forwarding(drop=not engine.config.ip_forward_no_drop)
    except RunnerError as err:
        log.warning("%s", err)


def network_id(engine: Engine, name: str) -> str:
    """The stable ID of a predefined network. Raises NotFound for any other."""
    if name not in _DRIVERS:
        raise NotFound(f"network {name} not found")
    known = engine.store.networks.by_name(name)
    if known is None:
        known = (generate_id(), msgspec.json.encode({"driver": _DRIVERS[name]}))
        engine.store.networks.save(known[0], name, known[1])
    return known[0]


def default_hostname(container_id: str, config: Config, host_config: HostConfig) -> None:
    """The host's name on the host's network, else the short ID (moby generateHostname)."""
    mode = NetworkMode(host_config.network_mode)
    if mode.is_host and not config.hostname:
        config.hostname = socket.gethostname()
    elif not config.hostname and not mode.is_container:
        config.hostname = container_id[:12]


async def initialize_networking(engine: Engine, container: Container) -> None:
    """Make the sandbox and the three files (moby initializeNetworking).

    A container that joins another's network shares that one's files and name.
    """
    mode = NetworkMode(container.host_config.network_mode)
    if mode.is_container:
        other = joinable(engine, mode.container, "joining network namespace of container")
        container.config.hostname = other.config.hostname
        container.config.domainname = other.config.domainname
        container.record.files_of = other.record.files_of or other.id
        return
    with trace.step("libnetwork.NewSandbox", container=container.id) as step:
        if mode.is_host:
            sandbox = await engine.network.host_sandbox(container.id)
        else:
            sandbox = await engine.network.new_sandbox(container.id)
        if step is not None:
            step.note(namespace=sandbox.key)
    network_settings.sandboxed(container, sandbox)
    container.record.files_of = container.id
    gateway = await _host_gateway(engine, container)
    write_initial(NetworkFiles(container.directory), _resolution(container), gateway)


async def _host_gateway(engine: Engine, container: Container) -> IPv4Address | None:
    """What `--add-host NAME:host-gateway` means: the bridge's address."""
    if not _resolution(container).needs_host_gateway:
        return None
    await engine.network.start()
    bridge = engine.network.default_network
    return bridge.gateway if bridge else None


def _resolution(container: Container) -> ResolutionConfig:
    host_config, config = container.host_config, container.config
    return ResolutionConfig(
        hostname=config.hostname,
        domainname=config.domainname,
        extra_hosts=tuple(host_config.extra_hosts or ()),
        dns=tuple(host_config.dns or ()),
        dns_search=tuple(host_config.dns_search or ()),
        dns_options=tuple(host_config.dns_options or ()),
        host_mode=NetworkMode(host_config.network_mode).is_host,
    )


async def allocate_network(engine: Engine, container: Container) -> None:
    """Join every network of the container (moby allocateNetwork).

    Raises what went wrong as `failed to set up container networking: …`.
    """
    if container.config.network_disabled:
        return
    began = time.monotonic()
    try:
        with trace.step("daemon.allocateNetwork", container=container.id):
            for name in container.record.network_settings.networks:
                await _connect(engine, container, name)
    except RunnerError as err:
        raise err.wrap(ERR_SETUP_NETWORKING) from err
    await _write_joined(engine, container)
    record = engine.network.record(container.id)
    container.record.network = msgspec.json.encode(record) if record else b""
    engine.containers.checkpoint(container)
    engine.metrics.network_action("allocate", time.monotonic() - began)


async def _connect(engine: Engine, container: Container, name: str) -> None:
    began, identity = time.monotonic(), network_id(engine, name)
    place = container.record.network_settings.networks[name]
    place.network_id = identity
    if name == "bridge":
        await _join_bridge(engine, container, identity)
    else:
        place.endpoint_id = generate_id()
    engine.metrics.network_action("connect", time.monotonic() - began)


async def _join_bridge(engine: Engine, container: Container, identity: str) -> None:
    host_config, config = container.host_config, container.config
    requested = network_settings.requested_mac_address(container, "bridge") or config.mac_address
    with trace.step("daemon.connectToNetwork", container=container.id) as step:
        endpoint = await engine.network.join(
            container.id,
            EndpointRequest(
                name=container.name,
                ports=port_requests(
                    list(config.exposed_ports or {}),
                    host_config.port_bindings,
                    publish_all=host_config.publish_all_ports,
                ),
                mac_address=requested,
            ),
        )
        if step is not None:
            told = {"address": endpoint.address, "gateway": endpoint.gateway}
            step.note(bridge=engine.config.bridge, interface=endpoint.interface, **told)
    bridge = engine.config.bridge
    network_settings.joined(container, "bridge", identity, bridge, endpoint)


async def _write_joined(engine: Engine, container: Container) -> None:
    """The three files once more, now that the addresses are known."""
    record = engine.network.record(container.id)
    if record is None:  # it shares another container's
        return
    write_joined(
        NetworkFiles(container.directory),
        _resolution(container),
        record.sandbox,
        addresses=[endpoint.address for endpoint in record.endpoints],
        host_gateway=await _host_gateway(engine, container),
    )


def connected(engine: Engine, container: Container) -> None:
    """Tell that the container has joined its networks.

    Not before its task is made, as moby joins them only then.
    """
    for name, place in container.record.network_settings.networks.items():
        if place.endpoint_id:
            _log_network(engine, container, name, "connect")


async def refresh_files(engine: Engine, container: Container) -> None:
    """Look again at IPv6, which a sysctl of the container's may have turned off by now.

    The runtime sets sysctls in Tasks.Create, and the hosts file depends on IPv6.
    """
    if any("disable_ipv6" in name for name in container.host_config.sysctls or {}):
        await engine.network.refresh(container.id)
        await _write_joined(engine, container)


async def release_network(engine: Engine, container_id: str) -> None:
    """Give back sandbox, endpoints, ports and addresses (moby releaseNetwork). Idempotent.

    Raises System when something could not be removed.
    """
    began = time.monotonic()
    with trace.step("daemon.releaseNetwork", container=container_id):
        done = await engine.network.delete_sandbox(container_id)
    engine.store.addresses.release_all(container_id)
    if not done:
        raise System(f"the network of container {container_id} could not be removed completely")
    engine.metrics.network_action("release", time.monotonic() - began)


def released(engine: Engine, container: Container) -> None:
    """Tell that the container has left its networks, and forget what it had there.

    As in moby whoever has a sandbox leaves every network, also one that could not be joined.
    """
    settings = container.record.network_settings
    known = [name for name in settings.networks if name in _DRIVERS]
    for name in known if settings.sandbox_id else ():
        _log_network(engine, container, name, "disconnect")
    forget(container)


def forget(container: Container) -> None:
    """The record no longer tells of a sandbox, of addresses and published ports."""
    network_settings.released(container)
    container.record.network = b""


def _log_network(engine: Engine, container: Container, name: str, action: str) -> None:
    attributes = {"container": container.id, "name": name, "type": _DRIVERS[name]}
    engine.events.publish("network", action, network_id(engine, name), attributes)


def sandbox_path(engine: Engine, container: Container) -> str:
    """The namespace that the container is to run in; empty for the host's."""
    sandbox = engine.network.sandbox(container.id)
    return sandbox.key if sandbox and not sandbox.host else ""


def files_of(engine: Engine, container: Container) -> oci.NetworkFiles:
    """The host's paths of the container's hosts, hostname and resolv.conf; empty before a start."""
    owner = container.record.files_of
    if not owner:
        return oci.NetworkFiles()
    files = NetworkFiles(engine.config.containers_dir / owner)
    return oci.NetworkFiles(
        resolv_conf=str(files.resolv_conf), hostname=str(files.hostname), hosts=str(files.hosts)
    )


def write_bundle_files(container: Container) -> None:
    """Write the three files as they are at a start without endpoints."""
    container.record.files_of = container.id
    write_initial(NetworkFiles(container.directory), _resolution(container), None)


async def restore(engine: Engine, records: list[bytes]) -> None:
    """Take up the networks of the containers that run, after a restart of the engine."""
    decode = msgspec.json.Decoder(SandboxRecord).decode
    await engine.network.restore([decode(record) for record in records if record])


async def collect_garbage(engine: Engine) -> None:
    """Remove namespaces, interfaces and addresses that no running container has."""
    running = {container.id for container in engine.containers if container.state.running}
    leftovers = await engine.network.leftovers(running)
    await engine.network.remove_leftovers(leftovers)
    for owner in engine.store.addresses.owners() - running:
        engine.store.addresses.release_all(owner)
