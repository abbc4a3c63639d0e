"""What `info` tells of the engine and its host (moby daemon/info.go)."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner import __version__
from runner.containerd.runc import RUNTIME
from runner.engine.programs import (
    NOT_AVAILABLE,
    init_program,
    runtime_features,
    runtime_program,
)
from runner.engine.runtime import binary
from runner.engine.state import count_states
from runner.engine.sysinfo import memory_total
from runner.logs import DRIVERS
from runner.network import KINDS
from runner.types import times
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.system import (
    Commit,
    ContainerdInfo,
    ContainerdNamespaces,
    FirewallInfo,
    Info,
    PluginsInfo,
    Runtime,
)

if TYPE_CHECKING:
    from runner.engine.engine import Engine
    from runner.engine.programs import Program
    from runner.engine.sysinfo import SysInfo
    from runner.oci.host import Host

log = logging.getLogger(__name__)

_FEATURES: Final = "org.opencontainers.runtime-spec.features"
_USER: Final = re.compile(r"(?<=://)[^/?#]*(?=@)")


async def system_info(engine: Engine) -> Info:
    """The engine's containers, its host and what both can do (moby SystemInfo).

    What cannot be found out is logged and left empty: `info` is for when something is wrong.
    """
    with engine.metrics.host_info("system_info"):
        info = Info(id=engine.id)
        _fill_containers(engine, info)
        _fill_host(engine, info)
        _fill_limits(engine.sysinfo, info)
        info.warnings = [*engine.config.api_warnings, *warnings_of(engine.sysinfo)] or None
        await _fill_runtimes(engine, info)
        await _fill_containerd(engine, info)
    return info


def _fill_containers(engine: Engine, info: Info) -> None:
    counts = count_states(container.state for container in engine.containers)
    info.containers = sum(counts.values())
    info.containers_running = counts["running"]
    info.containers_paused = counts["paused"]
    info.containers_stopped = counts["stopped"]


def _fill_host(engine: Engine, info: Info) -> None:
    with engine.metrics.host_info("operating_system"):
        info.operating_system = operating_system()
    with engine.metrics.host_info("os_version"):
        info.os_version = os_release().get("VERSION_ID", "")
    config, host = engine.config, engine.host
    info.name = socket.gethostname()
    info.kernel_version = host.kernel_release
    info.architecture = platform.machine()
    info.n_cpu = engine.sysinfo.cpu_count
    info.mem_total = memory_total()
    info.docker_root_dir = str(config.data_root)
    info.system_time = times.now()
    info.debug = logging.getLogger().isEnabledFor(logging.DEBUG)
    info.n_fd = sum(1 for _ in Path("/proc/self/fd").iterdir())
    info.n_goroutines = len(asyncio.all_tasks())
    info.n_events_listener = engine.events.listeners
    info.server_version = __version__
    info.live_restore_enabled = config.live_restore
    info.logging_driver = config.log_config.type
    info.http_proxy = mask_credentials(_environment("HTTP_PROXY"))
    info.https_proxy = mask_credentials(_environment("HTTPS_PROXY"))
    info.no_proxy = _environment("NO_PROXY")
    info.driver = config.snapshotter
    info.driver_status = [["driver-type", "io.containerd.snapshotter.v1"]]
    info.plugins = PluginsInfo(
        volume=["local"], network=sorted((*KINDS, "host", "null")), log=sorted(DRIVERS)
    )
    info.security_options = _security_options(engine)
    info.firewall_backend = FirewallInfo(driver="iptables")
    info.cgroup_driver = host.cgroup_driver
    info.cgroup_version = str(host.cgroup_version)


def _fill_limits(sysinfo: SysInfo, info: Info) -> None:
    info.memory_limit = sysinfo.memory_limit
    info.swap_limit = sysinfo.swap_limit
    info.kernel_memory = sysinfo.kernel_memory
    info.kernel_memory_tcp = sysinfo.kernel_memory_tcp
    info.oom_kill_disable = sysinfo.oom_kill_disable
    info.cpu_cfs_period = info.cpu_cfs_quota = sysinfo.cpu_cfs
    info.cpu_shares = sysinfo.cpu_shares
    info.cpu_set = sysinfo.cpuset
    info.pids_limit = sysinfo.pids_limit
    info.ipv4_forwarding = not sysinfo.ipv4_forwarding_disabled


async def _fill_runtimes(engine: Engine, info: Info) -> None:
    default = engine.config.default_runtime
    for name in (RUNTIME, "runc", default):
        path = _path_of(name)
        features = await runtime_features(path)
        status = {_FEATURES: features} if features else None
        info.runtimes[name] = Runtime(path=path, status=status)
    info.default_runtime = default
    info.runc_commit = _commit(await runtime_program(default))
    info.init_binary = "docker-init"
    info.init_commit = _commit(await init_program())


def _path_of(runtime: str) -> str:
    """One that is not there is told of as well: `info` is to show that."""
    try:
        return binary(runtime)
    except InvalidParameter:
        return runtime


def _commit(program: Program | None) -> Commit:
    return Commit(id=program.commit if program else NOT_AVAILABLE)


async def _fill_containerd(engine: Engine, info: Info) -> None:
    info.containerd = ContainerdInfo(
        address=engine.containerd.address,
        namespaces=ContainerdNamespaces(containers=engine.config.containerd_namespace),
    )
    info.containerd_commit = Commit(id=NOT_AVAILABLE)
    try:
        info.containerd_commit = Commit(id=(await engine.containerd.version.version()).revision)
        info.images = len(await engine.containerd.images.list())
    except RunnerError as err:
        log.warning("Failed to retrieve containerd version: %s", err)


def host_labels(host: Host) -> dict[str, str]:
    """The host, in the words that metrics have for it (moby's engine_info)."""
    return {
        "architecture": platform.machine(),
        "kernel": host.kernel_release,
        "os": operating_system(),
        "os_type": "linux",
        "os_version": os_release().get("VERSION_ID", ""),
    }


def _security_options(engine: Engine) -> list[str]:
    options = []
    if engine.host.apparmor:
        options.append("name=apparmor")
    if engine.host.seccomp:
        options.append("name=seccomp,profile=builtin")
    if engine.host.cgroup_version == 2:
        options.append("name=cgroupns")
    return options


def warnings_of(sysinfo: SysInfo) -> list[str]:
    """What containers here cannot be limited by (moby fillPlatformInfo). Of what a cgroup version
    does not have at all nothing is said: nobody could mend it."""
    version_1 = not sysinfo.cgroup_unified
    throttles = (
        (sysinfo.blkio_read_bps_device, "read_bps", "rbps"),
        (sysinfo.blkio_write_bps_device, "write_bps", "wbps"),
        (sysinfo.blkio_read_iops_device, "read_iops", "riops"),
        (sysinfo.blkio_write_iops_device, "write_iops", "wiops"),
    )
    supported = (
        (sysinfo.memory_limit, "memory limit"),
        (sysinfo.swap_limit, "swap limit"),
        (sysinfo.kernel_memory_tcp or not version_1, "kernel memory TCP limit"),
        (sysinfo.oom_kill_disable or not version_1, "oom kill disable"),
        (sysinfo.cpu_cfs, "cpu cfs quota"),
        (sysinfo.cpu_cfs, "cpu cfs period"),
        (sysinfo.cpu_shares, "cpu shares"),
        (sysinfo.cpuset, "cpuset"),
        (sysinfo.blkio_weight or version_1, "io.weight"),
        (sysinfo.blkio_weight_device or version_1, "io.weight (per device)"),
        *(
            (there, f"blkio throttle.{old}_device" if version_1 else f"io.max ({new})")
            for there, old, new in throttles
        ),
    )
    warnings = [f"WARNING: No {what} support" for there, what in supported if not there]
    if sysinfo.ipv4_forwarding_disabled:
        warnings.append("WARNING: IPv4 forwarding is disabled")
    return warnings


def os_release() -> dict[str, str]:
    """The distribution's own description (os-release(5)); empty where there is none."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def operating_system(init_cgroup: Path = Path("/proc/1/cgroup")) -> str:
    """The distribution, and whether the engine itself is in a container (moby operatingSystem)."""
    name = os_release().get("PRETTY_NAME", "Linux")
    try:
        lines = init_cgroup.read_text().split("\n")
    except OSError:
        return f"{name} (error determining if containerized)"
    contained = any(line and not line.endswith((":/", ":/init.scope")) for line in lines)
    return f"{name} (containerized)" if contained else name


def _environment(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower(), "")


def mask_credentials(url: str) -> str:
    """The URL without the name and password in it (moby config.MaskCredentials)."""
    return _USER.sub("xxxxx:xxxxx", url)


def engine_id(data_root: Path) -> str:
    """The engine's ID: made once, kept with its data."""
    path = data_root / "engine-id"
    known = path.read_text() if path.exists() else ""
    if not known:  # or the engine was killed while it wrote it
        known = Path("/proc/sys/kernel/random/uuid").read_text().strip()
        with open(path, "w", opener=_private) as file:
            file.write(known)
    return known


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
