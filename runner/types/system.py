"""What the engine says of itself and its host (moby api/types/system, types.Version; API 1.51)."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from runner.types.container import Summary
from runner.types.image import ImageSummary
from runner.types.volume import Volume
from runner.types.wire import Wire


class ComponentVersion(Wire, rename="pascal"):
    """A part of the engine (the engine itself, containerd, runc) and its version."""

    name: str
    version: str
    details: dict[str, str] = msgspec.field(default_factory=dict)

    omit_empty: ClassVar[frozenset[str]] = frozenset({"details"})


class PlatformName(Wire, rename="pascal"):
    """The product's name."""

    name: str = ""


class Version(Wire, rename="pascal"):
    """GET /version. What stands below `components` repeats the engine's for older clients."""

    platform: PlatformName = msgspec.field(default_factory=PlatformName)
    components: list[ComponentVersion] = msgspec.field(default_factory=list)
    version: str = ""
    api_version: str = ""
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")
    git_commit: str = ""
    go_version: str = ""
    os: str = ""
    arch: str = ""
    kernel_version: str = ""
    experimental: bool = False
    build_time: str = ""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"components", "min_api_version", "kernel_version", "experimental", "build_time"}
    )


class DiskUsage(Wire, rename="pascal"):
    """GET /system/df, in bytes. What was not asked for is null."""

    layers_size: int = 0
    images: list[ImageSummary] | None = None
    containers: list[Summary] | None = None
    volumes: list[Volume] | None = None
    build_cache: list[dict[str, Any]] | None = None


class PluginsInfo(Wire, rename="pascal"):
    """The drivers there are. `authorization` is null in dockerd when there are none."""

    volume: list[str] = msgspec.field(default_factory=list)
    network: list[str] = msgspec.field(default_factory=list)
    authorization: list[str] | None = None
    log: list[str] = msgspec.field(default_factory=list)


class IndexInfo(Wire, rename="pascal"):
    """A registry as the engine sees it."""

    name: str
    mirrors: list[str] = msgspec.field(default_factory=list)
    secure: bool = True
    official: bool = False


class RegistryConfig(Wire, rename="pascal"):
    """How registries are reached."""

    insecure_registry_cidrs: list[str] = msgspec.field(
        default_factory=lambda: ["::1/128", "127.0.0.0/8"], name="InsecureRegistryCIDRs"
    )
    index_configs: dict[str, IndexInfo] = msgspec.field(
        default_factory=lambda: {"docker.io": IndexInfo(name="docker.io", official=True)}
    )
    mirrors: list[str] | None = None


class Runtime(Wire, rename={"runtime_args": "runtimeArgs", "runtime_type": "runtimeType"}):
    """An OCI runtime; `status` has the JSON of its `features` where it can tell."""

    path: str = ""
    runtime_args: list[str] | None = None
    runtime_type: str = ""
    options: dict[str, Any] | None = None
    status: dict[str, str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"path", "runtime_args", "runtime_type", "options", "status"}
    )


class Commit(Wire):
    """The commit that a tool was built from; `expected` is for clients before API 1.49."""

    id: str = msgspec.field(default="", name="ID")
    expected: str = msgspec.field(default="", name="Expected")

    omit_empty: ClassVar[frozenset[str]] = frozenset({"expected"})


class SwarmInfo(Wire, rename="pascal"):
    """No swarm, said as dockerd says it."""

    node_id: str = msgspec.field(default="", name="NodeID")
    node_addr: str = ""
    local_node_state: str = "inactive"
    control_available: bool = False
    error: str = ""
    remote_managers: list[Any] | None = None


class FirewallInfo(Wire, rename="pascal"):
    """What the engine makes its firewall rules with."""

    driver: str = ""
    info: list[list[str]] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"info"})


class NetworkAddressPool(Wire, rename="pascal"):
    """Where new networks get their addresses from; `size` is a prefix length."""

    base: str
    size: int


class ContainerdNamespaces(Wire, rename="pascal"):
    """The containerd namespaces in use."""

    containers: str = ""
    plugins: str = ""


class ContainerdInfo(Wire, rename="pascal"):
    """The containerd that the engine stands on."""

    address: str = ""
    namespaces: ContainerdNamespaces = msgspec.field(default_factory=ContainerdNamespaces)

    omit_empty: ClassVar[frozenset[str]] = frozenset({"address"})


class Info(Wire, rename="pascal"):
    """GET /info. Sizes in bytes; lists that dockerd never sends as null are never None here."""

    id: str = msgspec.field(name="ID")
    containers: int = 0
    containers_running: int = 0
    containers_paused: int = 0
    containers_stopped: int = 0
    images: int = 0
    driver: str = ""
    driver_status: list[list[str]] = msgspec.field(default_factory=list)
    plugins: PluginsInfo = msgspec.field(default_factory=PluginsInfo)
    memory_limit: bool = False
    swap_limit: bool = False
    kernel_memory: bool = False
    kernel_memory_tcp: bool = msgspec.field(default=False, name="KernelMemoryTCP")
    cpu_cfs_period: bool = False
    cpu_cfs_quota: bool = False
    cpu_shares: bool = msgspec.field(default=False, name="CPUShares")
    cpu_set: bool = msgspec.field(default=False, name="CPUSet")
    pids_limit: bool = False
    ipv4_forwarding: bool = msgspec.field(default=False, name="IPv4Forwarding")
    debug: bool = False
    n_fd: int = 0
    oom_kill_disable: bool = False
    n_goroutines: int = 0
    """For us the number of asyncio tasks."""
    system_time: str = ""
    logging_driver: str = "json-file"
    cgroup_driver: str = ""
    cgroup_version: str = ""
    n_events_listener: int = 0
    kernel_version: str = ""
    operating_system: str = ""
    os_version: str = msgspec.field(default="", name="OSVersion")
    os_type: str = msgspec.field(default="linux", name="OSType")
    architecture: str = ""
    index_server_address: str = "https://index.docker.io/v1/"
    registry_config: RegistryConfig = msgspec.field(default_factory=RegistryConfig)
    n_cpu: int = msgspec.field(default=0, name="NCPU")
    mem_total: int = 0
    generic_resources: list[Any] | None = None
    docker_root_dir: str = ""
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    name: str = ""
    labels: list[str] = msgspec.field(default_factory=list)
    experimental_build: bool = False
    server_version: str = ""
    runtimes: dict[str, Runtime] = msgspec.field(default_factory=dict)
    default_runtime: str = ""
    swarm: SwarmInfo = msgspec.field(default_factory=SwarmInfo)
    live_restore_enabled: bool = False
    isolation: str = ""
    init_binary: str = ""
    containerd_commit: Commit = msgspec.field(default_factory=Commit)
    runc_commit: Commit = msgspec.field(default_factory=Commit)
    init_commit: Commit = msgspec.field(default_factory=Commit)
    security_options: list[str] = msgspec.field(default_factory=list)
    default_address_pools: list[NetworkAddressPool] | None = None
    firewall_backend: FirewallInfo | None = None
    cdi_spec_dirs: list[str] = msgspec.field(default_factory=list, name="CDISpecDirs")
    containerd: ContainerdInfo | None = None
    warnings: list[str] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {
            "kernel_memory",
            "kernel_memory_tcp",
            "cgroup_version",
            "default_address_pools",
            "firewall_backend",
            "containerd",
        }
    )
