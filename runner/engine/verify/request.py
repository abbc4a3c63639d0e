"""What dockerd checks already when it decodes a create request (moby runconfig)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter
from runner.types.modes import NetworkMode, UTSMode

if TYPE_CHECKING:
    from runner.engine.sysinfo import SysInfo
    from runner.types.container import Config, HostConfig

_LINKS: Final = "can't be used with links. This would result in undefined behavior"


def validate_create_request(config: Config, host_config: HostConfig, sysinfo: SysInfo) -> None:
    """Raise InvalidParameter for options that contradict each other (decodeContainerConfig)."""
    validate_net_mode(config, host_config)
    validate_isolation(host_config)
    validate_qos(host_config)
    validate_resources(host_config, sysinfo)


def validate_net_mode(config: Config, host_config: HostConfig) -> None:
    """What cannot go with the network or UTS namespace asked for (validateNetMode)."""
    mode = NetworkMode(host_config.network_mode)
    if mode.is_container or mode == "container":
        _validate_net_container_mode(mode, config, host_config)
    if UTSMode(host_config.uts_mode).is_host and config.hostname:
        raise InvalidParameter("conflicting options: hostname and the UTS mode")
    if mode.is_host and host_config.links:
        raise InvalidParameter(f"conflicting options: host type networking {_LINKS}")


def _validate_net_container_mode(
    mode: NetworkMode, config: Config, host_config: HostConfig
) -> None:
    """Who shares another container's network cannot change it (validateNetContainerMode)."""
    if not mode.container:
        raise InvalidParameter("invalid network mode: invalid container format container:<name|id>")
    publishes = host_config.port_bindings or host_config.publish_all_ports
    conflicts = (
        (config.hostname, "hostname and the network mode"),
        (host_config.links, f"container type network {_LINKS}"),
        (host_config.dns, "dns and the network mode"),
        (host_config.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (publishes, "port publishing and the container type network mode"),
        (config.exposed_ports, "port exposing and the container type network mode"),
    )
    for present, text in conflicts:
        if present:
            raise InvalidParameter(f"conflicting options: {text}")


def validate_isolation(host_config: HostConfig) -> None:
    """Windows knows others."""
    if host_config.isolation.lower() not in ("", "default"):
        raise InvalidParameter(
            f"invalid isolation ({host_config.isolation}): linux only supports 'default'"
        )


def validate_qos(host_config: HostConfig) -> None:
    """Windows' limits of the system drive."""
    text = "invalid option: QoS maximum {} configuration is not supported on linux"
    if host_config.io_maximum_bandwidth:
        raise InvalidParameter(text.format("bandwidth"))
    if host_config.io_maximum_iops:
        raise InvalidParameter(text.format("IOPs"))


def validate_resources(host_config: HostConfig, sysinfo: SysInfo) -> None:
    """Real-time scheduling and CPU shares."""
    period, runtime = host_config.cpu_realtime_period, host_config.cpu_realtime_runtime
    if (period or runtime) and not sysinfo.cpu_realtime:
        raise InvalidParameter("kernel does not support CPU real-time scheduler")
    if period and runtime and runtime > period:
        raise InvalidParameter("cpu real-time runtime cannot be higher than cpu real-time period")
    # Only where shares exist at all: elsewhere they are discarded with a warning.
    if sysinfo.cpu_shares and host_config.cpu_shares < 0:
        raise InvalidParameter(
            f"invalid CPU shares ({host_config.cpu_shares}): value must be a positive integer"
        )
