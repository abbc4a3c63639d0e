"""Namespaces, cgroups and the runtime on Linux (moby verifyPlatformContainerSettings)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.runtime import resolve
from runner.types.errors import InvalidParameter
from runner.types.modes import CgroupnsMode, IpcMode, NetworkMode, PidMode, UTSMode
from runner.volume import validate_tmpfs_destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.sysinfo import SysInfo
    from runner.types.container import HostConfig


def verify_platform_settings(
    host_config: HostConfig, sysinfo: SysInfo, default_runtime: str
) -> Iterator[str]:
    """Yield warnings, raise InvalidParameter. An unset runtime becomes the default one."""
    _verify_namespaces(host_config)
    _verify_oom_score(host_config.oom_score_adj)
    yield from _verify_network(host_config, sysinfo)
    verify_cgroup_parent(host_config.cgroup_parent, systemd=sysinfo.systemd_cgroups)
    host_config.runtime = host_config.runtime or default_runtime
    resolve(host_config.runtime)
    for destination in host_config.tmpfs or {}:
        validate_tmpfs_destination(destination)
    yield from _verify_cgroup_namespace(host_config, sysinfo)


def _verify_namespaces(host_config: HostConfig) -> None:
    if not IpcMode(host_config.ipc_mode).valid:
        raise InvalidParameter(f"invalid IPC mode: {host_config.ipc_mode}")
    if not PidMode(host_config.pid_mode).valid:
        raise InvalidParameter(f"invalid PID mode: {host_config.pid_mode}")
    if host_config.shm_size < 0:
        raise InvalidParameter("SHM size can not be less than 0")
    if not UTSMode(host_config.uts_mode).valid:
        raise InvalidParameter(f"invalid UTS mode: {host_config.uts_mode}")


def _verify_oom_score(score: int) -> None:
    if not -1000 <= score <= 1000:
        raise InvalidParameter(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")


def _verify_network(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    mode = NetworkMode(host_config.network_mode)
    if sysinfo.ipv4_forwarding_disabled and not (mode.is_host or mode.is_none):
        yield "IPv4 forwarding is disabled. Networking will not work."
    if mode.is_host and host_config.port_bindings:
        yield "Published ports are discarded when using host network mode"


def verify_cgroup_parent(parent: str, *, systemd: bool) -> None:
    """Raise InvalidParameter for one below which systemd would make no cgroup."""
    is_slice = parent.endswith(".slice") and parent != ".slice"
    if parent and systemd and not is_slice:
        raise InvalidParameter(
            'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"'
        )


def _verify_cgroup_namespace(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    mode = CgroupnsMode(host_config.cgroupns_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid cgroup namespace mode: {mode}")
    if mode.is_private and not sysinfo.cgroup_namespaces:
        yield (
            "Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded."
        )
