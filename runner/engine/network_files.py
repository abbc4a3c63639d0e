"""A container's hosts and resolv.conf, kept in line with its networks (libnetwork
sandbox_dns_unix.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine import links
from runner.linux.threads import to_end
from runner.network import (
    NetworkFiles,
    ResolutionConfig,
    add_hosts,
    remove_hosts,
    write_initial,
    write_internal,
    write_joined,
)
from runner.types.modes import NetworkMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.network import Endpoint

RESOLVER = "127.0.0.11"


def resolution(container: Container) -> ResolutionConfig:
    """What the container's settings say of names."""
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


async def initialize(engine: Engine, container: Container) -> None:
    """Write all three files, before anything is joined."""
    gateway = await _host_gateway(engine, container)
    files, config = NetworkFiles(container.directory), resolution(container)
    await to_end(write_initial, files, config, gateway)


def write_for_bundle(container: Container) -> None:
    """Write the three files as they are at a start without endpoints."""
    write_initial(NetworkFiles(container.directory), resolution(container), None)


async def _host_gateway(engine: Engine, container: Container) -> IPv4Address | None:
    """What `--add-host NAME:host-gateway` means: the bridge's address."""
    if not resolution(container).needs_host_gateway:
        return None
    await engine.network.start()
    bridge = engine.network.default_network
    return bridge.gateway if bridge else None


async def write_all(engine: Engine, container: Container) -> None:
    """The files once more, now that the addresses are known; and the resolver, if names are to be
    resolved on one of the networks."""
    record = engine.network.record(container.id)
    if record is None:  # it shares another container's
        return
    addresses = [address for endpoint in record.endpoints for address in endpoint.addresses]
    await to_end(
        write_joined,
        NetworkFiles(container.directory),
        resolution(container),
        record.sandbox,
        addresses=addresses,
        linked=links.host_records(engine, container),
        host_gateway=await _host_gateway(engine, container),
    )
    if any(endpoint.names for endpoint in record.endpoints):
        await _start_resolver(engine, container)


async def _start_resolver(engine: Engine, container: Container) -> None:
    config = resolution(container)
    resolv_conf = await to_end(write_internal, NetworkFiles(container.directory), config)
    servers = [server for server in resolv_conf.external if server.address != RESOLVER]
    await engine.network.start_resolver(container.id, servers, ndots=resolv_conf.has_ndots)


async def joined(engine: Engine, container: Container, endpoint: Endpoint) -> None:
    """The running container is on one more network."""
    files, config = NetworkFiles(container.directory), resolution(container)
    await to_end(add_hosts, files, config, endpoint.addresses)
    record = engine.network.record(container.id)
    if endpoint.names and record and record.resolver is None:
        await _start_resolver(engine, container)


async def left(container: Container, endpoints: Sequence[Endpoint]) -> None:
    """The running container is on one network less."""
    files, config = NetworkFiles(container.directory), resolution(container)
    addresses = [address for endpoint in endpoints for address in endpoint.addresses]
    await to_end(remove_hosts, files, config, addresses)
