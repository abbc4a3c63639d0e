"""Containers as the Engine API shows them (moby api/types/container, API 1.51).

Each type's `omit_empty` lists what moby marks `omitempty`; every other field is always present.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from runner.types.image import Descriptor, GraphDriverData, HealthConfig
from runner.types.network import EndpointSettings, NetworkingConfig, PortBinding, PortMap
from runner.types.times import ZERO_TIME
from runner.types.wire import Unsigned, Wire


class Config(Wire, rename="pascal"):
    """What the container is: the portable half of its settings (moby container.Config)."""

    hostname: str = ""
    domainname: str = ""
    user: str = ""
    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    exposed_ports: dict[str, dict[str, Any]] | None = None
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    env: list[str] | None = None
    cmd: list[str] | None = None
    healthcheck: HealthConfig | None = None
    args_escaped: bool = False
    image: str = ""
    volumes: dict[str, dict[str, Any]] | None = None
    working_dir: str = ""
    entrypoint: list[str] | None = None
    network_disabled: bool = False
    mac_address: str = ""
    on_build: list[str] | None = None
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: list[str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "exposed_ports",
            "healthcheck",
            "args_escaped",
            "network_disabled",
            "mac_address",
            "stop_signal",
            "shell",
        }
    )
    omit_none: ClassVar[frozenset[str]] = frozenset({"stop_timeout"})
    string_or_list: ClassVar[frozenset[str]] = frozenset({"cmd", "entrypoint", "shell"})


class LogConfig(Wire, rename="pascal"):
    """The log driver and its options."""

    type: str = ""
    config: dict[str, str] = msgspec.field(default_factory=dict)


class RestartPolicy(Wire, rename="pascal"):
    """When to start the container again after its exit."""

    name: str = ""
    maximum_retry_count: int = 0


class WeightDevice(Wire, rename="pascal"):
    """Block IO weight of a device, 10 to 1000."""

    path: str = ""
    weight: int = 0


class ThrottleDevice(Wire, rename="pascal"):
    """Block IO limit of a device, in bytes or operations per second."""

    path: str = ""
    rate: int = 0


class DeviceMapping(Wire, rename="pascal"):
    """A host device made visible in the container."""

    path_on_host: str = ""
    path_in_container: str = ""
    cgroup_permissions: str = ""


class DeviceRequest(Wire, rename="pascal"):
    """A request to a device driver (--gpus, CDI)."""

    driver: str = ""
    count: int = 0
    device_ids: list[str] | None = msgspec.field(default=None, name="DeviceIDs")
    capabilities: list[list[str]] | None = None
    options: dict[str, str] | None = None


class Ulimit(Wire, rename="pascal"):
    """A resource limit of the process, in the kernel's units."""

    name: str = ""
    hard: int = 0
    soft: int = 0


class BindOptions(Wire, rename="pascal"):
    """Options of a bind mount."""

    propagation: str = ""
    non_recursive: bool = False
    create_mountpoint: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "propagation",
            "non_recursive",
            "create_mountpoint",
            "read_only_non_recursive",
            "read_only_force_recursive",
        }
    )


class VolumeDriverConfig(Wire, rename="pascal"):
    """The driver that makes the volume, and its options."""

    name: str = ""
    options: dict[str, str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"name", "options"})


class VolumeOptions(Wire, rename="pascal"):
    """Options of a volume mount."""

    no_copy: bool = False
    labels: dict[str, str] | None = None
    subpath: str = ""
    driver_config: VolumeDriverConfig | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"no_copy", "labels", "subpath", "driver_config"}
    )


class TmpfsOptions(Wire, rename="pascal"):
    """Options of a tmpfs mount; size in bytes, mode as a Go file mode."""

    size_bytes: int = 0
    mode: int = 0
    options: list[list[str]] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"size_bytes", "mode", "options"})


class ImageOptions(Wire, rename="pascal"):
    """Options of an image mount."""

    subpath: str = ""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"subpath"})


class Mount(Wire, rename="pascal"):
    """A mount asked for with --mount (moby mount.Mount)."""

    type: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind_options: BindOptions | None = None
    volume_options: VolumeOptions | None = None
    image_options: ImageOptions | None = None
    tmpfs_options: TmpfsOptions | None = None
    cluster_options: dict[str, Any] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "type",
            "source",
            "target",
            "read_only",
            "consistency",
            "bind_options",
            "volume_options",
            "image_options",
            "tmpfs_options",
            "cluster_options",
        }
    )


class HostConfig(Wire, rename="pascal"):
    """How the container meets this host: the other half of its settings (moby HostConfig)."""

    binds: list[str] | None = None
    container_id_file: str = msgspec.field(default="", name="ContainerIDFile")
    log_config: LogConfig = msgspec.field(default_factory=LogConfig)
    network_mode: str = ""
    port_bindings: PortMap | None = None
    restart_policy: RestartPolicy = msgspec.field(default_factory=RestartPolicy)
    auto_remove: bool = False
    volume_driver: str = ""
    volumes_from: list[str] | None = None
    console_size: tuple[Unsigned, Unsigned] = (0, 0)
    annotations: dict[str, str] | None = None
    cap_add: list[str] | None = None
    cap_drop: list[str] | None = None
    cgroupns_mode: str = ""
    dns: list[str] | None = None
    dns_options: list[str] | None = None
    dns_search: list[str] | None = None
    extra_hosts: list[str] | None = None
    group_add: list[str] | None = None
    ipc_mode: str = ""
    cgroup: str = ""
    links: list[str] | None = None
    oom_score_adj: int = 0
    pid_mode: str = ""
    privileged: bool = False
    publish_all_ports: bool = False
    readonly_rootfs: bool = False
    security_opt: list[str] | None = None
    storage_opt: dict[str, str] | None = None
    tmpfs: dict[str, str] | None = None
    uts_mode: str = msgspec.field(default="", name="UTSMode")
    userns_mode: str = ""
    shm_size: int = 0
    sysctls: dict[str, str] | None = None
    runtime: str = ""
    isolation: str = ""
    # Resources, embedded in moby
    cpu_shares: int = 0
    memory: int = 0
    nano_cpus: int = 0
    cgroup_parent: str = ""
    blkio_weight: int = 0
    blkio_weight_device: list[WeightDevice] | None = None
    blkio_device_read_bps: list[ThrottleDevice] | None = None
    blkio_device_write_bps: list[ThrottleDevice] | None = None
    blkio_device_read_iops: list[ThrottleDevice] | None = msgspec.field(
        default=None, name="BlkioDeviceReadIOps"
    )
    blkio_device_write_iops: list[ThrottleDevice] | None = msgspec.field(
        default=None, name="BlkioDeviceWriteIOps"
    )
    cpu_period: int = 0
    cpu_quota: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    devices: list[DeviceMapping] | None = None
    device_cgroup_rules: list[str] | None = None
    device_requests: list[DeviceRequest] | None = None
    kernel_memory: int = 0
    kernel_memory_tcp: int = msgspec.field(default=0, name="KernelMemoryTCP")
    memory_reservation: int = 0
    memory_swap: int = 0
    memory_swappiness: int | None = None
    oom_kill_disable: bool | None = None
    pids_limit: int | None = None
    ulimits: list[Ulimit] | None = None
    cpu_count: int = 0
    cpu_percent: int = 0
    io_maximum_iops: int = msgspec.field(default=0, name="IOMaximumIOps")
    io_maximum_bandwidth: int = msgspec.field(default=0, name="IOMaximumBandwidth")
    mounts: list[Mount] | None = None
    masked_paths: list[str] | None = None
    readonly_paths: list[str] | None = None
    init: bool | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "annotations",
            "storage_opt",
            "tmpfs",
            "sysctls",
            "runtime",
            "kernel_memory",
            "kernel_memory_tcp",
            "mounts",
        }
    )
    omit_none: ClassVar[frozenset[str]] = frozenset({"init"})


RESOURCES = (
    *("cpu_shares", "memory", "nano_cpus", "cgroup_parent", "blkio_weight"),
    *("blkio_weight_device", "blkio_device_read_bps", "blkio_device_write_bps"),
    *("blkio_device_read_iops", "blkio_device_write_iops", "cpu_period", "cpu_quota"),
    *("cpu_realtime_period", "cpu_realtime_runtime", "cpuset_cpus", "cpuset_mems", "devices"),
    *("device_cgroup_rules", "kernel_memory", "kernel_memory_tcp", "memory_reservation"),
    *("memory_swap", "memory_swappiness", "oom_kill_disable", "pids_limit", "ulimits"),
    *("cpu_count", "cpu_percent", "io_maximum_iops", "io_maximum_bandwidth"),
)
"""The fields of HostConfig that moby has in container.Resources, device requests aside."""


class PruneReport(Wire, rename="pascal"):
    """The answer to a prune: what was removed, and how many bytes that gave back."""

    containers_deleted: list[str] | None = None
    space_reclaimed: int = 0


class UpdateResponse(Wire, rename="pascal"):
    """The answer to an update; `warnings` is null when there are none."""

    warnings: list[str] | None = None


class CreateRequest(Config, rename="pascal"):
    """The body of POST /containers/create: Config with the two other parts beside it."""

    host_config: HostConfig | None = None
    networking_config: NetworkingConfig | None = None


class CreateResponse(Wire, rename="pascal"):
    """The answer to a create; `warnings` is never null."""

    id: str
    warnings: list[str] = msgspec.field(default_factory=list)


class TopResponse(Wire, rename="pascal"):
    """GET /containers/{id}/top: what ps shows, its first line apart."""

    processes: list[list[str]] | None = None
    titles: list[str] | None = None


class WaitError(Wire, rename="pascal"):
    """Why the container did not run or could not be removed."""

    message: str


class WaitResponse(Wire, rename="pascal"):
    """The answer to a wait."""

    status_code: int
    error: WaitError | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"error"})


class HealthcheckResult(Wire, rename="pascal"):
    """One probe."""

    start: str
    end: str
    exit_code: int
    output: str


class Health(Wire, rename="pascal"):
    """The container's health as its probes tell it."""

    status: str
    failing_streak: int = 0
    log: list[HealthcheckResult] | None = None


class StateInspect(Wire, rename="pascal"):
    """The state as inspect shows it (moby container.State)."""

    status: str
    running: bool
    paused: bool
    restarting: bool
    oom_killed: bool = msgspec.field(name="OOMKilled")
    dead: bool
    pid: int
    exit_code: int
    error: str
    started_at: str
    finished_at: str
    health: Health | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"health"})


class ContainerPathStat(Wire, rename="camel"):
    """What is at a path in a container (moby container.PathStat). `mode` as Go's os.FileMode."""

    name: str
    size: int
    mode: int
    mtime: str
    link_target: str = ""


class FilesystemChange(Wire, rename="pascal"):
    """A path of a container's with what has become of it: 0 modified, 1 added, 2 deleted."""

    path: str
    kind: int


class MountPoint(Wire, rename="pascal"):
    """A mount that the container has (moby container.MountPoint)."""

    type: str = ""
    name: str = ""
    source: str = ""
    destination: str = ""
    driver: str = ""
    mode: str = ""
    rw: bool = msgspec.field(default=True, name="RW")
    propagation: str = ""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"type", "name", "driver"})


class NetworkSettings(Wire, rename="pascal"):
    """The container's networks; the top-level addresses are the default bridge's, deprecated."""

    bridge: str = ""
    sandbox_id: str = msgspec.field(default="", name="SandboxID")
    sandbox_key: str = ""
    ports: PortMap = msgspec.field(default_factory=dict)
    hairpin_mode: bool = False
    link_local_ipv6_address: str = msgspec.field(default="", name="LinkLocalIPv6Address")
    link_local_ipv6_prefix_len: int = msgspec.field(default=0, name="LinkLocalIPv6PrefixLen")
    secondary_ip_addresses: list[Any] | None = msgspec.field(
        default=None, name="SecondaryIPAddresses"
    )
    secondary_ipv6_addresses: list[Any] | None = msgspec.field(
        default=None, name="SecondaryIPv6Addresses"
    )
    endpoint_id: str = msgspec.field(default="", name="EndpointID")
    gateway: str = ""
    global_ipv6_address: str = msgspec.field(default="", name="GlobalIPv6Address")
    global_ipv6_prefix_len: int = msgspec.field(default=0, name="GlobalIPv6PrefixLen")
    ip_address: str = msgspec.field(default="", name="IPAddress")
    ip_prefix_len: int = msgspec.field(default=0, name="IPPrefixLen")
    ipv6_gateway: str = msgspec.field(default="", name="IPv6Gateway")
    mac_address: str = ""
    networks: dict[str, EndpointSettings] = msgspec.field(default_factory=dict)


class InspectResponse(Wire, rename="pascal"):
    """GET /containers/{id}/json."""

    id: str
    created: str
    path: str
    args: list[str]
    state: StateInspect
    image: str
    resolv_conf_path: str
    hostname_path: str
    hosts_path: str
    log_path: str
    name: str
    restart_count: int
    driver: str
    platform: str
    mount_label: str
    process_label: str
    app_armor_profile: str
    exec_ids: list[str] | None = msgspec.field(name="ExecIDs")
    host_config: HostConfig
    graph_driver: GraphDriverData
    size_rw: int | None
    size_root_fs: int | None
    mounts: list[MountPoint]
    config: Config
    network_settings: NetworkSettings
    image_manifest_descriptor: Descriptor | None = None

    omit_none: ClassVar[frozenset[str]] = frozenset(
        {"size_rw", "size_root_fs", "image_manifest_descriptor"}
    )


class Port(Wire):
    """A port line of `ps`."""

    ip: str = msgspec.field(default="", name="IP")
    private_port: int = msgspec.field(default=0, name="PrivatePort")
    public_port: int = msgspec.field(default=0, name="PublicPort")
    type: str = msgspec.field(default="", name="Type")

    omit_empty: ClassVar[frozenset[str]] = frozenset({"ip", "public_port"})


class HostConfigSummary(Wire, rename="pascal"):
    """The little of HostConfig that `ps` shows."""

    network_mode: str = ""
    annotations: dict[str, str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"network_mode", "annotations"})


class NetworkSettingsSummary(Wire, rename="pascal"):
    """The networks of a container in `ps`."""

    networks: dict[str, EndpointSettings] = msgspec.field(default_factory=dict)


class Summary(Wire, rename="pascal"):
    """An item of GET /containers/json. `created` in Unix seconds, sizes in bytes."""

    id: str
    names: list[str]
    image: str
    image_id: str = msgspec.field(name="ImageID")
    command: str
    created: int
    ports: list[Port]
    labels: dict[str, str]
    state: str
    status: str
    host_config: HostConfigSummary
    network_settings: NetworkSettingsSummary
    mounts: list[MountPoint]
    size_rw: int = 0
    size_root_fs: int = 0
    image_manifest_descriptor: Descriptor | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"size_rw", "size_root_fs", "image_manifest_descriptor"}
    )


__all__ = [
    "ZERO_TIME",
    "BindOptions",
    "Config",
    "CreateRequest",
    "CreateResponse",
    "DeviceMapping",
    "DeviceRequest",
    "EndpointSettings",
    "Health",
    "HealthcheckResult",
    "HostConfig",
    "HostConfigSummary",
    "ImageOptions",
    "InspectResponse",
    "LogConfig",
    "Mount",
    "MountPoint",
    "NetworkSettings",
    "NetworkSettingsSummary",
    "NetworkingConfig",
    "Port",
    "PortBinding",
    "PortMap",
    "RestartPolicy",
    "StateInspect",
    "Summary",
    "ThrottleDevice",
    "TmpfsOptions",
    "Ulimit",
    "VolumeDriverConfig",
    "VolumeOptions",
    "WaitError",
    "WaitResponse",
    "WeightDevice",
]
