"""CPU limits and CPU sets (moby verifyPlatformContainerResources)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.engine.cpusets import is_available
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.sysinfo import SysInfo
    from runner.types.container import HostConfig

_NANO: Final = 1_000_000_000


def verify_cpu(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    """Yield warnings, discard what the kernel cannot do, raise InvalidParameter."""
    _verify_nano_cpus(host_config, sysinfo)
    yield from _verify_shares(host_config, sysinfo)
    yield from _verify_cfs(host_config, sysinfo)
    if host_config.cpu_percent > 0:
        yield "linux does not support CPU percent. Percent discarded."
        host_config.cpu_percent = 0
    yield from _verify_sets(host_config, sysinfo)


def _verify_nano_cpus(host_config: HostConfig, sysinfo: SysInfo) -> None:
    """--cpus is another spelling of period and quota."""
    wanted, count = host_config.nano_cpus, sysinfo.cpu_count
    if wanted > 0:
        conflict = "Conflicting options: Nano CPUs and CPU {} cannot both be set"
        if host_config.cpu_period > 0:
            raise InvalidParameter(conflict.format("Period"))
        if host_config.cpu_quota > 0:
            raise InvalidParameter(conflict.format("Quota"))
        if not sysinfo.cpu_cfs:
            raise InvalidParameter(
                "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler "
                "or the cgroup is not mounted"
            )
    if not 0 <= wanted <= count * _NANO:
        raise InvalidParameter(
            f"range of CPUs is from 0.01 to {count}.00, as there are only {count} CPUs available"
        )


def _verify_shares(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    if host_config.cpu_shares > 0 and not sysinfo.cpu_shares:
        yield (
            "Your kernel does not support CPU shares or the cgroup is not mounted. "
            "Shares discarded."
        )
        host_config.cpu_shares = 0


def _verify_cfs(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    """Period and quota in microseconds; a negative quota means none."""
    if (host_config.cpu_period or host_config.cpu_quota) and not sysinfo.cpu_cfs:
        yield "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded."
        host_config.cpu_period = host_config.cpu_quota = 0
    if host_config.cpu_period and not 1000 <= host_config.cpu_period <= 1_000_000:
        raise InvalidParameter(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"
        )
    if 0 < host_config.cpu_quota < 1000:
        raise InvalidParameter("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def _verify_sets(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    if (host_config.cpuset_cpus or host_config.cpuset_mems) and not sysinfo.cpuset:
        yield (
            "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded."
        )
        host_config.cpuset_cpus = host_config.cpuset_mems = ""
    cpus, mems = host_config.cpuset_cpus, host_config.cpuset_mems
    if not _available("cpus", cpus, sysinfo.cpu_sets):
        raise InvalidParameter(
            f"Requested CPUs are not available - requested {cpus}, available: {sysinfo.cpus}"
        )
    if not _available("mems", mems, sysinfo.mem_sets):
        raise InvalidParameter(
            "Requested memory nodes are not available - "
            f"requested {mems}, available: {sysinfo.mems}"
        )


def _available(what: str, requested: str, available: frozenset[int]) -> bool:
    try:
        return is_available(requested, available)
    except InvalidParameter as err:
        raise err.wrap(f"Invalid value {requested} for cpuset {what}") from err
