"""Limits: CPU, memory, block IO, processes (docker/cli, container.Resources)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.declarations.create import ContainerFlags


def limits(options: ContainerFlags) -> dict[str, Any]:
    """HostConfig's resources; sizes in bytes, CPUs in billionths, periods in microseconds."""
    ulimits = {limit["Name"]: limit for limit in options.ulimit or []}
    swappiness = options.memory_swappiness
    return {
        "CgroupParent": options.cgroup_parent,
        "CpuShares": options.cpu_shares,
        "CpuPeriod": options.cpu_period,
        "CpuQuota": options.cpu_quota,
        "CpuRealtimePeriod": options.cpu_rt_period,
        "CpuRealtimeRuntime": options.cpu_rt_runtime,
        "NanoCpus": options.cpus,
        "CpusetCpus": options.cpuset_cpus,
        "CpusetMems": options.cpuset_mems,
        "Memory": options.memory,
        "MemoryReservation": options.memory_reservation,
        "MemorySwap": options.memory_swap,
        "MemorySwappiness": -1 if swappiness is None else swappiness,
        "KernelMemory": options.kernel_memory,
        "OomKillDisable": options.oom_kill_disable,
        "OomScoreAdj": options.oom_score_adj,
        "PidsLimit": options.pids_limit,
        "BlkioWeight": options.blkio_weight,
        "BlkioWeightDevice": options.blkio_weight_device or [],
        "BlkioDeviceReadBps": options.device_read_bps or [],
        "BlkioDeviceReadIOps": options.device_read_iops or [],
        "BlkioDeviceWriteBps": options.device_write_bps or [],
        "BlkioDeviceWriteIOps": options.device_write_iops or [],
        "Ulimits": [ulimits[name] for name in sorted(ulimits)],
        "DeviceCgroupRules": options.device_cgroup_rule or None,
    }
