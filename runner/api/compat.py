"""What older API versions mean by a request and expect in an answer.

    below 1.25   AutoRemove is the client's own business
    below 1.40   no NonRecursive binds, no KernelMemoryTCP; IpcMode defaults to shareable
    below 1.41   CgroupnsMode defaults to host on cgroup v1
    below 1.42   options of other mount types are ignored, no CreateMountpoint, no ConsoleSize
    from  1.42   they are errors; KernelMemory is ignored
    below 1.43   no Annotations
    below 1.44   no health start interval, one network at most, MacAddress of the container
    below 1.45   no volume subpaths; short ID and hostname among the aliases in inspect
    below 1.46   no Annotations in the list
    below 1.48   no gateway priorities, no image mounts, no ImageManifestDescriptor

Source: moby container_routes.go postContainersCreate, getContainersJSON; inspect.go.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter, RunnerError
from runner.types.network import EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.api.version import ApiVersion
    from runner.types.container import Config, HostConfig, InspectResponse, Mount, Summary
    from runner.types.network import NetworkingConfig

_ENDPOINT_SYSCTLS: Final = "com.docker.network.endpoint.sysctls"
_CGROUP2_MARK: Final = Path("/sys/fs/cgroup/cgroup.controllers")
_MAC_DEPRECATED: Final = (
    "The container-wide MacAddress field is now deprecated. "
    "It should be specified in EndpointsConfig instead."
)
_VOLUME_DRIVER_IGNORED: Final = (
    "WARNING: the container-wide volume-driver configuration is ignored for volumes specified "
    "via 'mount'. Use '--mount type=volume,volume-driver=...' instead"
)


def adapt_create(
    config: Config, host: HostConfig, networking: NetworkingConfig, version: ApiVersion
) -> list[str]:
    """Bring a create request of any version into the present one's form; returns warnings.

    Raises InvalidParameter.
    """
    endpoints = networking.endpoints_config = networking.endpoints_config or {}
    _name_default_network(host, endpoints)
    _drop_unknown(config, host, endpoints, version)
    for mount in host.mounts or ():
        _adapt_mount(mount, version)
    if version.below("1.44") and len(endpoints) > 1:
        names = ", ".join(sorted(endpoints))
        raise InvalidParameter(
            f"Container cannot be created with multiple network endpoints: {names}"
        )
    warnings = [
        _check_volume_driver(host, version),
        _migrate_mac_address(config, host, endpoints, version),
        _migrate_sysctls(host, endpoints, version),
    ]
    if host.pids_limit is not None and host.pids_limit <= 0:
        host.pids_limit = None
    return [warning for warning in warnings if warning]


def _name_default_network(host: HostConfig, endpoints: dict[str, EndpointSettings]) -> None:
    if host.network_mode in ("", "default"):
        host.network_mode = "bridge"
        if "default" in endpoints:
            endpoints["bridge"] = endpoints.pop("default")


def _drop_unknown(
    config: Config, host: HostConfig, endpoints: dict[str, EndpointSettings], version: ApiVersion
) -> None:
    """Clear what did not exist in the client's version, and set what was then the default."""
    if version.below("1.25"):
        host.auto_remove = False
    if version.below("1.40"):
        host.kernel_memory_tcp = 0
        host.ipc_mode = host.ipc_mode or "shareable"
    if version.below("1.41") and not _CGROUP2_MARK.exists():
        host.cgroupns_mode = host.cgroupns_mode or "host"
    if version.below("1.42"):
        host.console_size = (0, 0)
    else:
        host.kernel_memory = 0
    if version.below("1.43"):
        host.annotations = None
    if version.below("1.44") and config.healthcheck is not None:
        config.healthcheck.start_interval = 0
    if version.below("1.48"):
        for endpoint in endpoints.values():
            endpoint.gw_priority = 0


def _adapt_mount(mount: Mount, version: ApiVersion) -> None:
    if version.below("1.42"):
        _forget_foreign_options(mount, version)
    else:
        _refuse_foreign_options(mount)
    bind, volume = mount.bind_options, mount.volume_options
    if version.below("1.44") and mount.type == "bind" and bind and bind.read_only_force_recursive:
        raise InvalidParameter("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")
    if version.below("1.45") and volume and volume.subpath:
        raise InvalidParameter("VolumeOptions.Subpath needs API v1.45 or newer")
    if version.below("1.48") and mount.type == "image":
        raise InvalidParameter('Mount type "Image" needs API v1.48 or newer')


def _forget_foreign_options(mount: Mount, version: ApiVersion) -> None:
    if mount.bind_options:
        mount.bind_options.create_mountpoint = False
        if version.below("1.40"):
            mount.bind_options.non_recursive = False
    if mount.type != "volume":
        mount.volume_options = None
    if mount.type != "tmpfs":
        mount.tmpfs_options = None


def _refuse_foreign_options(mount: Mount) -> None:
    for name, options, owner in (
        ("VolumeOptions", mount.volume_options, "volume"),
        ("BindOptions", mount.bind_options, "bind"),
        ("TmpfsOptions", mount.tmpfs_options, "tmpfs"),
    ):
        if options is not None and mount.type != owner:
            raise InvalidParameter(f'{name} must not be specified on mount type "{mount.type}"')


def _check_volume_driver(host: HostConfig, version: ApiVersion) -> str:
    """moby handleVolumeDriverBC."""
    if not host.volume_driver or version.below("1.48"):
        return ""
    return _VOLUME_DRIVER_IGNORED if any(map(_has_no_driver, host.mounts or ())) else ""


def _has_no_driver(mount: Mount) -> bool:
    options = mount.volume_options
    driver = options.driver_config if options else None
    return mount.type == "volume" and not (driver and driver.name)


def _migrate_mac_address(
    config: Config,
    host: HostConfig,
    endpoints: dict[str, EndpointSettings],
    version: ApiVersion,
) -> str:
    """moby handleMACAddressBC: the container's address becomes that of its main network."""
    address = config.mac_address
    movable = host.network_mode == "bridge" or _is_user_defined(host.network_mode)
    if version.below("1.44"):
        if not address:
            for endpoint in endpoints.values():
                endpoint.mac_address = ""
        elif not movable:
            raise InvalidParameter("conflicting options: mac-address and the network mode")
        else:
            _main_endpoint(host, endpoints, version).mac_address = address
        return ""
    if not address:
        return ""
    if movable:
        _move_mac_address(address, host, endpoints, version)
    config.mac_address = ""
    return _MAC_DEPRECATED


def _move_mac_address(
    address: str, host: HostConfig, endpoints: dict[str, EndpointSettings], version: ApiVersion
) -> None:
    try:
        endpoint = _main_endpoint(host, endpoints, version)
    except InvalidParameter as err:
        what = "unable to migrate container-wide MAC address to a specific network"
        raise err.wrap(what) from err
    if endpoint.mac_address not in ("", address):
        raise InvalidParameter(
            "the container-wide MAC address must match the endpoint-specific MAC address for the "
            "main network, or be left empty"
        )
    endpoint.mac_address = address


def _migrate_sysctls(
    host: HostConfig, endpoints: dict[str, EndpointSettings], version: ApiVersion
) -> str:
    """moby handleSysctlBC: sysctls of eth0 become the main endpoint's, which gets that name."""
    if host.network_mode == "host" or host.network_mode.startswith("container:"):
        return ""
    found = {key: parts for key in host.sysctls or {} if (parts := _interface_sysctl(key))}
    if not found:
        return ""
    for key, parts in found.items():
        _check_sysctl(key, parts[3], version)
    endpoint = _main_endpoint(host, endpoints, version)
    moved = _take_sysctls(host, found)
    warning = (
        f'Migrated sysctl "{",".join(found)}" to DriverOpts{{"{_ENDPOINT_SYSCTLS}":"{moved}"}}.'
    )
    options = endpoint.driver_opts = endpoint.driver_opts or {}
    own = options.get(_ENDPOINT_SYSCTLS)
    options[_ENDPOINT_SYSCTLS] = f"{moved},{own}" if own is not None else moved
    return warning


def _interface_sysctl(key: str) -> list[str] | None:
    parts = key.split(".", 4)
    return parts if len(parts) == 5 and parts[0] == "net" and parts[3].startswith("eth") else None


def _check_sysctl(key: str, interface: str, version: ApiVersion) -> None:
    """Raises RunnerError: dockerd's are untyped here, so the status is 500."""
    if not version.below("1.48"):
        raise RunnerError(
            f'interface specific sysctl setting "{key}" must be supplied using driver option '
            f"'{_ENDPOINT_SYSCTLS}'"
        )
    if interface != "eth0":
        raise RunnerError(
            f"unable to determine network endpoint for sysctl {key}, use driver option "
            f"'{_ENDPOINT_SYSCTLS}' to set per-interface sysctls"
        )


def _take_sysctls(host: HostConfig, found: dict[str, list[str]]) -> str:
    values = host.sysctls or {}
    return ",".join(
        f"net.{parts[1]}.{parts[2]}.IFNAME.{parts[4]}={values.pop(key)}"
        for key, parts in found.items()
    )


def _main_endpoint(
    host: HostConfig, endpoints: dict[str, EndpointSettings], version: ApiVersion
) -> EndpointSettings:
    """The settings of the network mode's network, made if there are none (epConfigForNetMode)."""
    if not endpoints:
        endpoints[host.network_mode] = EndpointSettings()
    if version.below("1.44"):
        return next(iter(endpoints.values()))
    if host.network_mode not in endpoints:
        raise InvalidParameter(
            "HostConfig.NetworkMode must match the identity of a network in "
            "NetworkSettings.Networks"
        )
    return endpoints[host.network_mode]


def _is_user_defined(mode: str) -> bool:
    return mode not in ("", "default", "bridge", "host", "none") and not mode.startswith(
        "container:"
    )


def adapt_update(wanted: HostConfig, version: ApiVersion) -> None:
    """Bring an update of any version into the present one's form (moby postContainerUpdate)."""
    if version.below("1.40"):
        wanted.pids_limit = None
    if not version.below("1.42"):
        wanted.kernel_memory = 0
    if wanted.pids_limit is not None and wanted.pids_limit < 0:
        wanted.pids_limit = 0  # what any negative number means, too: no limit


def adapt_summaries(summaries: Iterable[Summary], version: ApiVersion) -> None:
    """Take out of a list what the client's version does not have."""
    for summary in summaries:
        if version.below("1.46"):
            summary.host_config.annotations = None
        if version.below("1.48"):
            summary.image_manifest_descriptor = None


def adapt_inspect(found: InspectResponse, version: ApiVersion) -> None:
    """Bring an inspected container into the form of the client's version."""
    if version.below("1.45"):
        extra = (found.id[:12], found.config.hostname)
        for name, endpoint in found.network_settings.networks.items():
            if _is_user_defined(name):
                endpoint.aliases = _without_repeats([*(endpoint.aliases or ()), *extra])
    if version.below("1.48"):
        found.image_manifest_descriptor = None


def _without_repeats(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
