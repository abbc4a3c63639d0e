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
from runner.engine import network_connect, network_files, network_settings
from runner.engine.networks import log_network
from runner.engine.references import joinable
from runner.network import BridgeConfig, NetworkController, NetworkFiles, SandboxRecord
from runner.oci import request as oci
from runner.types.errors import NotFound, RunnerError, System
from runner.types.modes import NetworkMode

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.network import NetworkRecord
    from runner.types.container import Config, HostConfig
    from runner.types.network import EndpointSettings

log = logging.getLogger(__name__)

ERR_SETUP_NETWORKING = "failed to set up container networking"
"""Marks errors after which an exit is no exit: the task only ran to be deleted again."""


def make_controller(engine: Engine) -> NetworkController:
    """The controller; the default bridge keeps its ID across restarts."""
    config = engine.config
    return NetworkController(
        exec_root=config.exec_root,
        addresses=engine.store.addresses,
        bridge=BridgeConfig(
            network_id=engine.networks.get("bridge").id, name=config.bridge, bip=config.bip
        ),
    )


async def enable_forwarding(engine: Engine) -> None:
    """Have the host forward packets, as dockerd does at its start. Where that cannot be had
    containers run without a way out, and whoever creates one is warned."""
    try:
        await engine.network.enable_forwarding(drop=not engine.config.ip_forward_no_drop)
    except RunnerError as err:
        log.warning("%s", err)


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
    await network_files.initialize(engine, container)


async def allocate_network(engine: Engine, container: Container) -> None:
    """Join every network of the container (moby allocateNetwork).

    Raises what went wrong as `failed to set up container networking: …`.
    """
    if container.config.network_disabled:
        return
    began = time.monotonic()
    try:
        with trace.step("daemon.allocateNetwork", container=container.id):
            for name, settings in list(container.record.network_settings.networks.items()):
                await _allocate(engine, container, name, settings)
            await network_files.write_all(engine, container)
    except RunnerError as err:
        raise err.wrap(ERR_SETUP_NETWORKING) from err
    network_connect.keep(engine, container)
    engine.metrics.network_action("allocate", time.monotonic() - began)


async def _allocate(
    engine: Engine, container: Container, name: str, settings: EndpointSettings
) -> None:
    """Join a network that the container has by name or ID; from now on it has it by name."""
    record = engine.networks.find(network_settings.network_id(name, settings))
    _normalize_mode(engine, container)
    networks = container.record.network_settings.networks
    if name != record.name:
        renamed = {record.name if key == name else key: one for key, one in networks.items()}
        container.record.network_settings.networks = renamed
        wanted = container.record.mac_addresses
        if name in wanted:
            wanted[record.name] = wanted.pop(name)
    await network_connect.connect_to_network(engine, container, record, settings)


def _normalize_mode(engine: Engine, container: Container) -> None:
    """A network by the beginning of its ID is from now on named by the whole (normalizeNetMode)."""
    mode = NetworkMode(container.host_config.network_mode)
    if mode.is_user_defined:
        try:
            record = engine.networks.find(mode)
        except NotFound as err:
            raise err.wrap(f"could not find a network matching network mode {mode}") from err
        if mode not in (record.id, record.name):
            container.host_config.network_mode = record.id


def connected(engine: Engine, container: Container) -> None:
    """Tell that the container has joined its networks.

    Not before its task is made, as moby joins them only then.
    """
    for record, place in _places(engine, container):
        if place.endpoint_id:
            log_network(engine, record, "connect", {"container": container.id})


def _places(engine: Engine, container: Container) -> list[tuple[NetworkRecord, EndpointSettings]]:
    """The networks that the container has, as far as there are such."""
    found = []
    for name, place in container.record.network_settings.networks.items():
        try:
            found.append((engine.networks.find(network_settings.network_id(name, place)), place))
        except RunnerError:
            continue
    return found


async def refresh_files(engine: Engine, container: Container) -> None:
    """Look again at IPv6, which a sysctl of the container's may have turned off by now.

    The runtime sets sysctls in Tasks.Create, and the hosts file depends on IPv6.
    """
    if any("disable_ipv6" in name for name in container.host_config.sysctls or {}):
        await engine.network.refresh(container.id)
        await network_files.write_all(engine, container)


async def release_network(engine: Engine, container_id: str) -> None:
    """Give back sandbox, endpoints, ports and addresses (moby releaseNetwork). Idempotent.

    Raises System when something could not be removed.
    """
    began = time.monotonic()
    with trace.step("daemon.releaseNetwork", container=container_id):
        done = await _delete_sandbox(engine, container_id)
    engine.store.addresses.release_all(container_id)
    if not done:
        raise System(f"the network of container {container_id} could not be removed completely")
    engine.metrics.network_action("release", time.monotonic() - began)


async def _delete_sandbox(engine: Engine, container_id: str) -> bool:
    """Whether all went well, also where there is no sandbox (any more)."""
    if (sandbox := engine.network.sandbox(container_id)) is None:
        return True
    with trace.step("libnetwork.Sandbox.Delete", container=container_id, namespace=sandbox.key):
        return await engine.network.delete_sandbox(container_id)


def released(engine: Engine, container: Container) -> None:
    """Tell that the container has left its networks, and forget what it had there.

    As in moby whoever has a sandbox leaves every network, also one that could not be joined.
    """
    engine.network.hide(container.id)
    if container.record.network_settings.sandbox_id:
        for record, _ in _places(engine, container):
            log_network(engine, record, "disconnect", {"container": container.id})
    forget(container)


def forget(container: Container) -> None:
    """The record no longer tells of a sandbox, of addresses and published ports."""
    network_settings.released(container)
    container.record.network = b""


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
    network_files.write_for_bundle(container)


async def restore(engine: Engine, records: list[bytes]) -> None:
    """Take up the networks of the containers that run, after a restart of the engine."""
    decode = msgspec.json.Decoder(SandboxRecord).decode
    sandboxes = [decode(record) for record in records if record]
    await engine.network.restore(sandboxes, engine.networks.of_user())


def adopt(engine: Engine, container: Container) -> None:
    """The container ended while no engine ran: what plugins have made for it is still to be given
    back, which takes more than its namespace's end."""
    if container.record.network:
        record = msgspec.json.decode(container.record.network, type=SandboxRecord)
        if any(endpoint.driver == "cni" for endpoint in record.endpoints):
            engine.network.adopt(record)


async def collect_garbage(engine: Engine) -> None:
    """Remove namespaces, interfaces and addresses that no running container has."""
    running = {container.id for container in engine.containers if container.state.running}
    leftovers = await engine.network.leftovers(running)
    await engine.network.remove_leftovers(leftovers)
    for owner in engine.store.addresses.owners() - running:
        engine.store.addresses.release_all(owner)
