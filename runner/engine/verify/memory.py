"""Memory, OOM and PID limits (moby verifyPlatformContainerResources)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.sysinfo import SysInfo
    from runner.types.container import HostConfig

MINIMUM: Final = 6 * 1024 * 1024
"""In bytes: less, and runc itself does not fit into the container (linuxMinMemory)."""

_NOT_SUPPORTED: Final = "Your kernel does not support {} capabilities or the cgroup is not mounted."


def verify_memory(
    host_config: HostConfig, sysinfo: SysInfo, *, update: bool = False
) -> Iterator[str]:
    """Yield warnings, discard what the kernel cannot do, raise InvalidParameter."""
    if host_config.memory_swappiness == -1:  # clients' word for unset (fixMemorySwappiness)
        host_config.memory_swappiness = None
    yield from _verify_limit(host_config, sysinfo)
    yield from _verify_swap(host_config, sysinfo, update=update)
    yield from _verify_swappiness(host_config, sysinfo)
    yield from _verify_reservation(host_config, sysinfo)
    yield from _verify_kernel_memory(host_config, sysinfo)
    yield from _verify_oom_kill(host_config, sysinfo)
    yield from _verify_pids(host_config, sysinfo)


def _verify_limit(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    if host_config.memory != 0 and host_config.memory < MINIMUM:
        raise InvalidParameter("Minimum memory limit allowed is 6MB")
    if host_config.memory > 0 and not sysinfo.memory_limit:
        yield f"{_NOT_SUPPORTED.format('memory limit')} Limitation discarded."
        host_config.memory = 0
        host_config.memory_swap = -1


def _verify_swap(host_config: HostConfig, sysinfo: SysInfo, *, update: bool) -> Iterator[str]:
    """`memory_swap` is memory and swap together; -1 is unlimited, 0 unset.

    An update may name it alone: there is a memory limit already."""
    if host_config.memory > 0 and host_config.memory_swap != -1 and not sysinfo.swap_limit:
        yield f"{_NOT_SUPPORTED.format('swap limit')} Memory limited without swap."
        host_config.memory_swap = -1
    if host_config.memory > 0 and 0 < host_config.memory_swap < host_config.memory:
        raise InvalidParameter(
            "Minimum memoryswap limit should be larger than memory limit, see usage"
        )
    if host_config.memory == 0 and host_config.memory_swap > 0 and not update:
        raise InvalidParameter(
            "You should always set the Memory limit when using Memoryswap limit, see usage"
        )


def _verify_swappiness(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    swappiness = host_config.memory_swappiness
    if swappiness is None:
        return
    if not sysinfo.memory_swappiness:
        yield f"{_NOT_SUPPORTED.format('memory swappiness')} Memory swappiness discarded."
        host_config.memory_swappiness = None
    elif not 0 <= swappiness <= 100:
        raise InvalidParameter(
            f"Invalid value: {swappiness}, valid memory swappiness range is 0-100"
        )


def _verify_reservation(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    if host_config.memory_reservation <= 0:
        return
    if not sysinfo.memory_reservation:
        yield f"{_NOT_SUPPORTED.format('memory soft limit')} Limitation discarded."
        host_config.memory_reservation = 0
    elif host_config.memory_reservation < MINIMUM:
        raise InvalidParameter("Minimum memory reservation allowed is 6MB")
    elif 0 < host_config.memory < host_config.memory_reservation:
        raise InvalidParameter(
            "Minimum memory limit can not be less than memory reservation limit, see usage"
        )


def _verify_kernel_memory(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    """For clients before API 1.42; newer ones' is ignored before it gets here."""
    if host_config.kernel_memory <= 0:
        return
    if not sysinfo.kernel_memory:
        yield f"{_NOT_SUPPORTED.format('kernel memory limit')} Limitation discarded."
        host_config.kernel_memory = 0
    elif host_config.kernel_memory < MINIMUM:
        raise InvalidParameter("Minimum kernel memory limit allowed is 6MB")


def _verify_oom_kill(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    disable = host_config.oom_kill_disable
    if disable is not None and not sysinfo.oom_kill_disable:
        if disable:
            yield "Your kernel does not support OomKillDisable. OomKillDisable discarded."
        host_config.oom_kill_disable = None
    elif disable and host_config.memory == 0:
        yield (
            "OOM killer is disabled for the container, but no memory limit is set, "
            "this can result in the system running out of resources."
        )


def _verify_pids(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    limit = host_config.pids_limit
    if limit is not None and not sysinfo.pids_limit:
        if limit > 0:
            yield f"{_NOT_SUPPORTED.format('PIDs limit')} PIDs limit discarded."
        host_config.pids_limit = None
