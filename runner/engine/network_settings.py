"""What is asked for and shown of a container's networks; no network is touched here.

Source: moby daemon/container_operations.go, daemon/network.go.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import TYPE_CHECKING

import msgspec

from runner.network import Gateways, port_map
from runner.types.container import NetworkSettings, Port
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.modes import NetworkMode
from runner.types.network import EndpointSettings, PortMap, join_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.engine.container import Container, ContainerRecord
    from runner.engine.engine import Engine
    from runner.network import Endpoint, IPNetwork, NetworkRecord, Sandbox
    from runner.types.network import EndpointIPAMConfig, NetworkingConfig

_MAC_ADDRESS = re.compile(r"([0-9a-fA-F]{2})([:-][0-9a-fA-F]{2}){5}")
_SYSCTLS = "com.docker.network.endpoint.sysctls"
_SYSCTL_FAMILIES = ("ipv4", "ipv6", "mpls")


def validate_networking_config(engine: Engine, networking_config: NetworkingConfig) -> None:
    """Check the endpoints asked for (moby validateNetworkingConfig). Raises InvalidParameter."""
    errors = []
    for name, settings in (networking_config.endpoints_config or {}).items():
        shown, subnets = name, None
        with contextlib.suppress(RunnerError):  # it may be made until the start
            record = engine.networks.find(network_id(name, settings))
            shown, subnets = record.name, configured_subnets(engine, record)
        try:
            validate_endpoint(shown, settings, subnets)
        except InvalidParameter as err:
            errors.append(f"invalid config for network {name}: {err}")
    if errors:
        raise InvalidParameter(join_problems(errors))


def network_id(name: str, settings: EndpointSettings) -> str:
    """What a container's network is to be looked up by (moby getNetworkID): a user's one by its ID,
    once that is known, the predefined ones by their names."""
    return (
        settings.network_id if NetworkMode(name).is_user_defined and settings.network_id else name
    )


def configured_subnets(engine: Engine, record: NetworkRecord) -> list[IPNetwork]:
    """The subnets, or the parts of them, from which a container may ask for an address: those that
    somebody has configured."""
    if record.name == "bridge":
        return [engine.config.bip.network] if engine.config.bip else []
    texts = [config.get("IPRange") or config["Subnet"] for config in record.ipam_config]
    return [ipaddress.ip_network(text) for text in texts]


def validate_endpoint(
    name: str, settings: EndpointSettings, subnets: Sequence[IPNetwork] | None
) -> None:
    """Check the settings for a network, and, if there is that, against its configured subnets
    (moby validateEndpointSettings). Raises InvalidParameter."""
    problems = list(_endpoint_problems(name, settings, subnets))
    if settings.mac_address and not _MAC_ADDRESS.fullmatch(settings.mac_address):
        raise InvalidParameter(f"invalid MAC address {settings.mac_address}")
    problems += _sysctl_problems(settings)
    if problems:
        raise InvalidParameter(f"invalid endpoint settings:\n{join_problems(problems)}")


def _endpoint_problems(
    name: str, settings: EndpointSettings, subnets: Sequence[IPNetwork] | None
) -> Iterator[str]:
    ipam = settings.ipam_config
    if not NetworkMode(name).is_user_defined:
        if ipam and (ipam.ipv4_address or ipam.ipv6_address):
            yield "user specified IP address is supported on user defined networks only"
        if settings.aliases:
            yield "network-scoped alias is supported only for containers in user defined networks"
    if ipam:
        yield from _address_problems(ipam)
        if subnets is not None:
            yield from _range_problems(ipam, subnets)


def _range_problems(ipam: EndpointIPAMConfig, subnets: Sequence[IPNetwork]) -> Iterator[str]:
    """Whether addresses are of subnets that the user has configured
    (EndpointIPAMConfig.IsInRange)."""
    for address, version in ((ipam.ipv4_address, 4), (ipam.ipv6_address, 6)):
        if not address or not _is_address(address, version):
            continue
        configured = [subnet for subnet in subnets if subnet.version == version]
        if not configured:
            yield (
                "user specified IP address is supported only when connecting to networks with user"
                " configured subnets"
            )
        elif not any(ipaddress.ip_address(address) in subnet for subnet in configured):
            yield f"no configured subnet or ip-range contain the IP address {address}"


def _sysctl_problems(settings: EndpointSettings) -> Iterator[str]:
    sysctls = (settings.driver_opts or {}).get(_SYSCTLS)
    for sysctl in sysctls.split(",") if sysctls is not None else ():
        parts = sysctl.split(".", 4)
        named = len(parts) == 5 and parts[3] in ("IFNAME", "ifname")
        if not named or parts[1] not in _SYSCTL_FAMILIES:
            yield (
                f"unrecognised network interface sysctl '{sysctl}'; represent 'net.X.Y.ethN.Z=V' as"
                " 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )


def endpoint_dns_names(container: Container, aliases: Sequence[str] | None) -> list[str]:
    """What the container is called on a user's network, the first for its address
    (moby buildEndpointDNSNames)."""
    names = [container.name, *(aliases or ()), container.id[:12], container.config.hostname]
    return list(dict.fromkeys(filter(None, names)))


def _address_problems(ipam: EndpointIPAMConfig) -> list[str]:
    """moby EndpointIPAMConfig.Validate."""
    problems = []
    for address, kind in ((ipam.ipv4_address, 4), (ipam.ipv6_address, 6)):
        if address and not _is_address(address, kind):
            problems.append(f"invalid IPv{kind} address: {address}")
    problems += [
        f"invalid link-local IP address: {address}"
        for address in ipam.link_local_ips or []
        if not _is_address(address)
    ]
    return problems


def _is_address(text: str, version: int = 0) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return version in (0, address.version) and not address.is_unspecified


def asked_for(
    engine: Engine, record: ContainerRecord, networking_config: NetworkingConfig
) -> NetworkSettings:
    """The networks that the container is to join at start (moby updateContainerNetworkSettings).

    The one of the network mode is kept by its name, if there is such a network already.
    """
    mode = NetworkMode(record.host_config.network_mode)
    if record.config.network_disabled or mode.is_container:
        return NetworkSettings()
    name, identity = str(mode), ""
    if mode.is_user_defined:
        with contextlib.suppress(RunnerError):
            found = engine.networks.find(mode)
            name, identity = found.name, found.id
    networks = dict(networking_config.endpoints_config or {}) or {name: EndpointSettings()}
    if name not in networks and identity in networks:
        networks = {name if key == identity else key: one for key, one in networks.items()}
    return NetworkSettings(networks=networks)


def joined(engine: Engine, container: Container) -> None:
    """Write down what the container has on its networks (moby updateEndpointNetworkSettings,
    updateJoinInfo)."""
    settings = container.record.network_settings
    record = engine.network.record(container.id)
    endpoints = record.endpoints if record else ()
    for endpoint in endpoints:
        if place := settings.networks.get(endpoint.network):
            _describe(place, endpoint)
    if NetworkMode(container.host_config.network_mode).is_bridge:
        settings.bridge = engine.config.bridge
    settings.ports = _ports_of(container, endpoints)


def _describe(place: EndpointSettings, endpoint: Endpoint) -> None:
    place.network_id = endpoint.network_id
    place.endpoint_id = endpoint.id
    place.gateway = endpoint.gateway
    place.ip_address = endpoint.address
    place.ip_prefix_len = endpoint.prefix_len
    place.mac_address = endpoint.mac_address
    place.ipv6_gateway = endpoint.gateway6
    place.global_ipv6_address = endpoint.address6
    place.global_ipv6_prefix_len = endpoint.prefix_len6


def _ports_of(container: Container, endpoints: Sequence[Endpoint]) -> PortMap:
    """Ports are published, and exposed ones told, by the network that leads outside
    (moby getPortMapInfo)."""
    gateways = Gateways.of(endpoints)
    leading = [one for one in (gateways.ipv4, gateways.ipv6) if one and one.driver in _PUBLISHING]
    published = [port for endpoint in endpoints for port in endpoint.ports]
    if not leading and not published:
        return {}
    return port_map(list(container.config.exposed_ports or {}), published)


_PUBLISHING = ("bridge", "cni")


def sandboxed(container: Container, sandbox: Sandbox) -> None:
    """Write down the container's network namespace."""
    settings = container.record.network_settings
    settings.sandbox_id, settings.sandbox_key = sandbox.id, sandbox.key
    settings.ports = {}


def released(container: Container) -> None:
    """Forget what only holds while the container runs (moby cleanOperationalData)."""
    settings = container.record.network_settings
    settings.sandbox_id = settings.sandbox_key = ""
    settings.ports = {}
    for name, place in settings.networks.items():
        settings.networks[name] = msgspec.structs.replace(
            place,
            endpoint_id="",
            gateway="",
            ip_address="",
            ip_prefix_len=0,
            ipv6_gateway="",
            global_ipv6_address="",
            global_ipv6_prefix_len=0,
            mac_address=requested_mac_address(container, name),
        )


def requested_mac_address(container: Container, network: str) -> str:
    """The address that the user wants on the network, not one that was made up."""
    return container.record.mac_addresses.get(network, "")


def inspect(container: Container) -> NetworkSettings:
    """The settings as inspect shows them: the default bridge's also at the top (deprecated)."""
    settings = container.record.network_settings
    bridge = settings.networks.get("bridge")
    if bridge is None:
        return settings
    return msgspec.structs.replace(
        settings,
        endpoint_id=bridge.endpoint_id,
        gateway=bridge.gateway,
        ip_address=bridge.ip_address,
        ip_prefix_len=bridge.ip_prefix_len,
        mac_address=bridge.mac_address,
        ipv6_gateway=bridge.ipv6_gateway,
        global_ipv6_address=bridge.global_ipv6_address,
        global_ipv6_prefix_len=bridge.global_ipv6_prefix_len,
    )


def ports(container: Container) -> list[Port]:
    """The Ports column of `ps`."""
    return list(_ports(container.record.network_settings.ports))


def _ports(bindings: PortMap) -> list[Port]:
    listed = []
    for name, published in sorted(bindings.items()):
        number, _, protocol = name.partition("/")
        private = Port(private_port=int(number), type=protocol)
        if not published:
            listed.append(private)
        listed += [
            msgspec.structs.replace(
                private, ip=binding.host_ip, public_port=int(binding.host_port or 0)
            )
            for binding in published or []
        ]
    return listed
