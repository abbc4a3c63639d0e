"""cgroups: where the container's is, and its limits (moby withCgroups, WithResources).

The specification speaks cgroup version 1; runtimes translate for version 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.oci.spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxMemory,
    LinuxPids,
    LinuxThrottleDevice,
    LinuxWeightDevice,
)
from runner.types.errors import InvalidParameter
from runner.types.paths import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec
    from runner.types.container import HostConfig, ThrottleDevice

SCOPE_PREFIX: Final = "runner"

_CFS_PERIOD_MICROSECONDS: Final = 100_000


def with_cgroups(spec: Spec, request: SpecRequest, host: Host) -> None:
    """The container's cgroup, in the syntax of the host's cgroup driver (withCgroups)."""
    parent = request.host_config.cgroup_parent or request.cgroup_parent
    if host.uses_systemd:
        spec.linux.cgroups_path = f"{parent or 'system.slice'}:{SCOPE_PREFIX}:{request.id}"
    else:
        parent = parent or f"/{SCOPE_PREFIX}"
        spec.linux.cgroups_path = clean(f"{parent}/{request.id}")


def with_resources(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Memory, CPU, block IO and PIDs. Raises InvalidParameter (WithResources)."""
    settings, resources = request.host_config, spec.linux.resources
    resources.memory = get_memory_resources(settings, host.cgroup_version)
    resources.cpu = get_cpu_resources(settings)
    resources.block_io = get_block_io_resources(settings, host)
    resources.pids = get_pids_limit(settings)


def get_memory_resources(settings: HostConfig, cgroup_version: int) -> LinuxMemory | None:
    """Bytes; a negative number means no limit and is not said (getMemoryResources).

    cgroup version 2 cannot disable the OOM killer: moby clears the wish when it verifies the
    settings once more at each start.
    """
    memory = LinuxMemory(
        limit=_positive(settings.memory),
        reservation=_positive(settings.memory_reservation),
        swap=_positive(settings.memory_swap),
        swappiness=settings.memory_swappiness,
        disable_oom_killer=settings.oom_kill_disable if cgroup_version == 1 else None,
        kernel=settings.kernel_memory or None,
        kernel_tcp=settings.kernel_memory_tcp or None,
    )
    return None if memory == LinuxMemory() else memory


def get_cpu_resources(settings: HostConfig) -> LinuxCPU | None:
    """--cpus is a quota per tenth of a second (getCPUResources). Raises InvalidParameter."""
    if settings.cpu_shares < 0:
        raise InvalidParameter(
            f"invalid CPU shares ({settings.cpu_shares}): value must be a positive integer"
        )
    cpu = LinuxCPU(
        shares=settings.cpu_shares or None,
        cpus=settings.cpuset_cpus,
        mems=settings.cpuset_mems,
        realtime_period=settings.cpu_realtime_period or None,
        realtime_runtime=settings.cpu_realtime_runtime or None,
    )
    if settings.nano_cpus > 0:
        cpu.period = _CFS_PERIOD_MICROSECONDS
        cpu.quota = settings.nano_cpus * _CFS_PERIOD_MICROSECONDS // 1_000_000_000
    cpu.period = settings.cpu_period or cpu.period
    cpu.quota = settings.cpu_quota or cpu.quota
    return None if cpu == LinuxCPU() else cpu


def get_pids_limit(settings: HostConfig) -> LinuxPids | None:
    """Zero and negative numbers lift the limit, for which runc wants -1 (getPidsLimit)."""
    if settings.pids_limit is None:
        return None
    return LinuxPids(settings.pids_limit if settings.pids_limit > 0 else -1)


def get_block_io_resources(settings: HostConfig, host: Host) -> LinuxBlockIO:
    """Weights and limits of devices, which are named by path. Raises InvalidParameter."""
    return LinuxBlockIO(
        weight=settings.blkio_weight or None,
        weight_device=[
            LinuxWeightDevice(*_device_number(device.path, host), device.weight)
            for device in settings.blkio_weight_device or []
        ],
        throttle_read_bps_device=_throttled(settings.blkio_device_read_bps, host),
        throttle_write_bps_device=_throttled(settings.blkio_device_write_bps, host),
        throttle_read_iops_device=_throttled(settings.blkio_device_read_iops, host),
        throttle_write_iops_device=_throttled(settings.blkio_device_write_iops, host),
    )


def _throttled(devices: Sequence[ThrottleDevice] | None, host: Host) -> list[LinuxThrottleDevice]:
    return [
        LinuxThrottleDevice(*_device_number(device.path, host), device.rate)
        for device in devices or []
    ]


def _device_number(path: str, host: Host) -> tuple[int, int]:
    try:
        return host.files.device_number(path)
    except OSError as err:
        raise InvalidParameter(f"stat {path}: {error_text(err)}") from err


def _positive(value: int) -> int | None:
    return value if value > 0 else None
