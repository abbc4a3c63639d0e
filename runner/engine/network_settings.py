"""What is asked for and shown of a container's networks: pure, without a network being touched.

Source: moby daemon/container_operations.go, daemon/network.go.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

import msgspec

from runner.network import port_map
from runner.types.container import NetworkSettings, Port
from runner.types.errors import InvalidParameter
from runner.types.modes import NetworkMode
from runner.types.network import EndpointSettings, PortMap

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.network import Endpoint, Sandbox
    from runner.types.container import Config, HostConfig
    from runner.types.network import EndpointIPAMConfig, NetworkingConfig

_MAC_ADDRESS = re.compile(r"([0-9a-fA-F]{2})([:-][0-9a-fA-F]{2}){5}")


def validate_networking_config(networking_config: NetworkingConfig) -> None:
    """Check the endpoints asked for (moby validateNetworkingConfig). Raises InvalidParameter."""
    errors = []
    for name, settings in (networking_config.endpoints_config or {}).items():
        problems = _endpoint_problems(name, settings)
        if problems:
            details = "\n".join(problems)
            errors.append(
                f"invalid config for network {name}: invalid endpoint settings:\n{details}"
            )
    if errors:
        raise InvalidParameter("\n".join(errors))


def _endpoint_problems(name: str, settings: EndpointSettings) -> list[str]:
    """moby validateEndpointSettings."""
    ipam = settings.ipam_config
    problems = []
    if not NetworkMode(name).is_user_defined:
        if ipam and (ipam.ipv4_address or ipam.ipv6_address):
            problems.append("user specified IP address is supported on user defined networks only")
        if settings.aliases:
            problems.append(
                "network-scoped alias is supported only for containers in user defined networks"
            )
    problems += _address_problems(ipam) if ipam else []
    if settings.mac_address and not _MAC_ADDRESS.fullmatch(settings.mac_address):
        raise InvalidParameter(
            f"invalid config for network {name}: invalid MAC address {settings.mac_address}"
        )
    return problems


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
    config: Config, host_config: HostConfig, networking_config: NetworkingConfig
) -> NetworkSettings:
    """The networks that the container is to join at start (moby updateContainerNetworkSettings)."""
    mode = NetworkMode(host_config.network_mode)
    if config.network_disabled or mode.is_container:
        return NetworkSettings()
    networks = dict(networking_config.endpoints_config or {})
    return NetworkSettings(networks=networks or {mode: EndpointSettings()})


def joined(
    container: Container, network: str, network_id: str, bridge: str, endpoint: Endpoint
) -> None:
    """Write down what the container got on the network (moby updateEndpointNetworkSettings)."""
    settings = container.record.network_settings
    place = settings.networks[network]
    place.network_id = network_id
    place.endpoint_id = endpoint.id
    place.gateway = str(endpoint.gateway)
    place.ip_address = str(endpoint.address)
    place.ip_prefix_len = endpoint.prefix_len
    place.mac_address = endpoint.mac_address
    settings.bridge = bridge
    settings.ports = port_map(list(container.config.exposed_ports or {}), endpoint.ports)


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
