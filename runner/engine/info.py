"""What `info` tells of the engine and its host (moby daemon/info.go)."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__
from runner.engine.sysinfo import memory_total
from runner.engine.version import runc_version
from runner.logs import DRIVERS
from runner.types import times
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


async def system_info(engine: Engine) -> Info:
    """The engine's containers, its host and what both can do (moby SystemInfo)."""
    config, host, sysinfo = engine.config, engine.host, engine.sysinfo
    states = [container.state for container in engine.containers]
    paused = sum(1 for state in states if state.paused)
    running = sum(1 for state in states if state.running and not state.paused)
    release = platform.freedesktop_os_release()
    containerd = await engine.containerd.version.version()
    runc, runc_commit = await runc_version(config.default_runtime)
    return Info(
        id=engine.id,
        containers=len(states),
        containers_running=running,
        containers_paused=paused,
        containers_stopped=len(states) - running - paused,
        images=len(await engine.images.list()),
        driver=config.snapshotter,
        driver_status=[["driver-type", "io.containerd.snapshotter.v1"]],
        plugins=PluginsInfo(
            volume=["local"], network=["bridge", "host", "null"], log=sorted(DRIVERS)
        ),
        memory_limit=sysinfo.memory_limit,
        swap_limit=sysinfo.swap_limit,
        kernel_memory_tcp=sysinfo.kernel_memory_tcp,
        cpu_cfs_period=sysinfo.cpu_cfs,
        cpu_cfs_quota=sysinfo.cpu_cfs,
        cpu_shares=sysinfo.cpu_shares,
        cpu_set=sysinfo.cpuset,
        pids_limit=sysinfo.pids_limit,
        ipv4_forwarding=not sysinfo.ipv4_forwarding_disabled,
        n_fd=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        oom_kill_disable=sysinfo.oom_kill_disable,
        n_goroutines=len(asyncio.all_tasks()),
        system_time=times.now(),
        cgroup_driver=host.cgroup_driver,
        cgroup_version=str(host.cgroup_version),
        n_events_listener=engine.events.listeners,
        kernel_version=host.kernel_release,
        operating_system=release.get("PRETTY_NAME", "Linux"),
        os_version=release.get("VERSION_ID", ""),
        architecture=platform.machine(),
        n_cpu=sysinfo.cpu_count,
        mem_total=memory_total(),
        docker_root_dir=str(config.data_root),
        http_proxy=os.environ.get("HTTP_PROXY", ""),
        https_proxy=os.environ.get("HTTPS_PROXY", ""),
        no_proxy=os.environ.get("NO_PROXY", ""),
        name=socket.gethostname(),
        server_version=__version__,
        runtimes={config.default_runtime: Runtime(path=config.default_runtime)},
        default_runtime=config.default_runtime,
        live_restore_enabled=True,
        init_binary="docker-init",
        containerd_commit=Commit(id=containerd.revision or containerd.version),
        runc_commit=Commit(id=runc_commit or runc),
        security_options=_security_options(engine),
        firewall_backend=FirewallInfo(driver="iptables"),
        containerd=ContainerdInfo(
            address=engine.containerd.address,
            namespaces=ContainerdNamespaces(containers=config.containerd_namespace),
        ),
        warnings=list(sysinfo.warnings) or None,
    )


def _security_options(engine: Engine) -> list[str]:
    options = []
    if engine.host.apparmor:
        options.append("name=apparmor")
    if engine.host.seccomp:
        options.append("name=seccomp,profile=builtin")
    if engine.host.cgroup_version == 2:
        options.append("name=cgroupns")
    return options


def engine_id(data_root: Path) -> str:
    """The engine's ID: made once, kept with its data."""
    path = data_root / "engine-id"
    if not path.exists():
        path.write_text(Path("/proc/sys/kernel/random/uuid").read_text().strip())
    return path.read_text()
