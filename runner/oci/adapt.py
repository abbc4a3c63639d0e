"""The defaults of HostConfig that inspect shows (moby adaptContainerSettings and
createContainerOSSpecificSettings), as far as they need no other container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner.oci.defaults import DEFAULT_SHM_SIZE, READONLY_PATHS, default_masked_paths
from runner.types.modes import IpcMode, PidMode

if TYPE_CHECKING:
    from runner.oci.host import Host
    from runner.types.container import HostConfig


@dataclass(frozen=True, slots=True)
class EngineDefaults:
    """The engine's settings for containers that do not choose. `shm_size` in bytes;
    `cgroupns_mode` empty is private with cgroup version 2 and host with 1."""

    shm_size: int = DEFAULT_SHM_SIZE
    ipc_mode: str = "private"
    cgroupns_mode: str = ""


def adapt_container_settings(
    settings: HostConfig, host: Host, defaults: EngineDefaults | None = None
) -> HostConfig:
    """A new HostConfig with what was left out filled in.

    Not done here: `container:<name>` becomes `container:<id>`, which only the engine can tell.
    """
    defaults = defaults or EngineDefaults()
    adapted = msgspec.structs.replace(
        settings,
        shm_size=settings.shm_size or defaults.shm_size,
        ipc_mode=settings.ipc_mode or defaults.ipc_mode,
        cgroupns_mode=settings.cgroupns_mode or _cgroupns_mode(settings, host, defaults),
        security_opt=_with_label(settings),
    )
    if settings.memory > 0 and settings.memory_swap == 0:
        adapted.memory_swap = 2 * settings.memory
    # cgroup version 2 has no such switch: a wish for it has been dropped with a warning.
    adapted.oom_kill_disable = bool(settings.oom_kill_disable) and host.cgroup_version == 1
    _adapt_limits(adapted)
    if not settings.privileged:
        _adapt_paths(adapted, host)
    return adapted


def _cgroupns_mode(settings: HostConfig, host: Host, defaults: EngineDefaults) -> str:
    if host.cgroup_version == 1 and settings.privileged:
        return "host"
    return defaults.cgroupns_mode or ("private" if host.cgroup_version == 2 else "host")


def _with_label(settings: HostConfig) -> list[str] | None:
    """Who shares the host's IPC or PIDs cannot have an SELinux label (generateSecurityOpt)."""
    chosen = settings.security_opt or []
    shares_host = IpcMode(settings.ipc_mode).is_host or PidMode(settings.pid_mode).is_host
    labelled = any(option.partition("=")[0] == "label" for option in chosen)
    if labelled or not (shares_host or settings.privileged):
        return settings.security_opt
    return [*chosen, "label=disable"]


def _adapt_limits(settings: HostConfig) -> None:
    """What clients say to mean "none" (fixMemorySwappiness, postContainersCreate)."""
    if settings.memory_swappiness == -1:
        settings.memory_swappiness = None
    if settings.pids_limit is not None and settings.pids_limit <= 0:
        settings.pids_limit = None


def _adapt_paths(settings: HostConfig, host: Host) -> None:
    if settings.masked_paths is None:
        settings.masked_paths = default_masked_paths(host)
    if settings.readonly_paths is None:
        settings.readonly_paths = list(READONLY_PATHS)
