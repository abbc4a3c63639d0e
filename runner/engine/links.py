"""Links on the default bridge (moby daemon/links*, `--link`): a container knows another one by an
alias, in its hosts file and by variables of its environment.

On user-defined networks links are names for the resolver; `parse_link` is for both.
"""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from runner.network import NetworkFiles, change_host
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError
from runner.types.modes import NetworkMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.network import HostsRecord
    from runner.types.container import HostConfig

_BRIDGE = "bridge"
_PORT = re.compile(r"(\d+)/(\w+)")


def parse_link(text: str) -> tuple[str, str]:
    """Name and alias of `NAME[:ALIAS]` (opts.ParseLink). Raises RunnerError."""
    if not text:
        raise RunnerError("empty string specified for links")
    name, colon, alias = text.partition(":")
    if ":" in alias:
        raise RunnerError(f"bad format for links: {text}")
    if not colon:
        return text, text
    if name.startswith("/"):  # as inspect shows them: /NAME:/OWN/ALIAS
        return name[1:], alias.rpartition("/")[2]
    return name, alias


def register(engine: Engine, host_config: HostConfig) -> dict[str, str]:
    """The IDs of the linked containers by alias (moby registerLinks). Raises InvalidParameter."""
    if NetworkMode(host_config.network_mode).is_user_defined:
        return {}
    found: dict[str, str] = {}
    for link in host_config.links or ():
        name, alias = parse_link(link)
        child = _child(engine, name)
        if NetworkMode(child.host_config.network_mode).is_host:
            raise InvalidParameter(
                "conflicting options: host type networking can't be used with links. This would"
                " result in undefined behavior"
            )
        found[alias] = child.id
    return found


def _child(engine: Engine, name: str) -> Container:
    """The container, or the one whose network it shares. Never NotFound: the client would look for
    an image."""
    while True:
        try:
            child = engine.containers.get(name)
        except NotFound as err:
            raise InvalidParameter(f"could not get container for {name}: {err}") from err
        name = NetworkMode(child.host_config.network_mode).container
        if not name:
            return child


def shown(engine: Engine, container: Container) -> list[str] | None:
    """HostConfig.Links as inspect has it: `/NAME:/OWN/ALIAS`."""
    links = [
        f"/{child.name}:/{container.name}/{alias}" for alias, child in _children(engine, container)
    ]
    return links or None


def _children(engine: Engine, container: Container) -> Iterator[tuple[str, Container]]:
    for alias, identity in container.record.links.items():
        child = engine.containers.known(identity)
        if child is not None:
            yield alias, child


def environment(engine: Engine, container: Container) -> list[str]:
    """The variables that tell of the linked containers (moby setupLinkedContainers). Raises
    Conflict when one does not run or is not on the default bridge."""
    variables: list[str] = []
    if _BRIDGE not in container.record.network_settings.networks:
        return variables
    for alias, child in _children(engine, container):
        name = f"/{container.name}/{alias}"
        if not child.state.running:
            raise RunnerError(f"Cannot link to a non running container: /{child.name} AS {name}")
        place = child.record.network_settings.networks.get(_BRIDGE)
        if place is None:
            raise Conflict(f"container {child.id} not attached to default bridge network")
        ports = [_split(port) for port in child.config.exposed_ports or {}]
        variables += link_variables(name, place.ip_address, child.config.env or (), ports)
    return variables


def _split(port: str) -> tuple[int, str]:
    found = _PORT.fullmatch(port)
    return (int(found[1]), found[2]) if found else (int(port), "tcp")


def link_variables(
    name: str, address: str, environment_of_child: Iterable[str], ports: Iterable[tuple[int, str]]
) -> list[str]:
    """What is told of one linked container, `/OWN/ALIAS` (links.ToEnv)."""
    alias = name.rpartition("/")[2].upper().replace("-", "_")
    ordered = sorted(ports, key=lambda port: (port[1].lower() != "tcp", port[1], port[0]))
    variables: list[str] = []
    if ordered:
        number, protocol = ordered[0]
        variables.append(f"{alias}_PORT={protocol}://{address}:{number}")
    for ended, (first, last, protocol) in _ranges(ordered):
        variables += _port_variables(alias, address, last, protocol)
        if ended and first != last:
            variables += _range_variables(alias, address, first, last, protocol)
    variables.append(f"{alias}_NAME={name}")
    for variable in environment_of_child:
        key, equals, value = variable.partition("=")
        if equals and key not in ("HOME", "PATH"):
            variables.append(f"{alias}_ENV_{key}={value}")
    return variables


def _ranges(ports: list[tuple[int, str]]) -> Iterator[tuple[bool, tuple[int, int, str]]]:
    """Each port as the last of a range of neighbours so far, and whether the range ends there."""
    first = 0
    for index, (number, protocol) in enumerate(ports):
        if index == 0 or ports[index - 1] != (number - 1, protocol):
            first = number
        ended = index + 1 == len(ports) or ports[index + 1] != (number + 1, protocol)
        yield ended, (first, number, protocol)


def _port_variables(alias: str, address: str, number: int, protocol: str) -> list[str]:
    prefix = f"{alias}_PORT_{number}_{protocol.upper()}"
    return [
        f"{prefix}={protocol}://{address}:{number}",
        f"{prefix}_ADDR={address}",
        f"{prefix}_PORT={number}",
        f"{prefix}_PROTO={protocol}",
    ]


def _range_variables(alias: str, address: str, first: int, last: int, protocol: str) -> list[str]:
    prefix = f"{alias}_PORT_{first}_{protocol.upper()}"
    return [
        f"{prefix}_START={protocol}://{address}:{first}",
        f"{prefix}_PORT_START={first}",
        f"{prefix}_END={protocol}://{address}:{last}",
        f"{prefix}_PORT_END={last}",
    ]


def host_records(engine: Engine, container: Container) -> list[HostsRecord]:
    """The linked containers' lines of the hosts file: alias, host name, name (addLegacyLinks)."""
    if _BRIDGE not in container.record.network_settings.networks:
        return []
    records: list[HostsRecord] = []
    for alias, child in _children(engine, container):
        place = child.record.network_settings.networks.get(_BRIDGE)
        if place is None:
            raise RunnerError(
                f"Cannot link to /{child.name}, as it does not belong to the default network"
            )
        names = f"{alias} {child.config.hostname}"
        if alias != child.name:
            names = f"{names} {child.name}"
        addresses = filter(None, (place.ip_address, place.global_ipv6_address))
        records += [(ip_address(address), names) for address in addresses]
    return records


async def tell_parents(engine: Engine, container: Container) -> None:
    """The container may have another address than before: whoever has a link to it must know it."""
    place = container.record.network_settings.networks.get(_BRIDGE)
    if place is None or not place.ip_address:
        return
    for parent in engine.containers:
        for alias, identity in parent.record.links.items():
            if identity == container.id and parent.state.running:
                hosts = NetworkFiles(parent.directory).hosts
                await asyncio.to_thread(change_host, hosts, alias, place.ip_address)
