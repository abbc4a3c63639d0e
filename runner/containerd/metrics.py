"""A task's metrics as the Engine API shows them (moby daemon/stats_unix.go statsV1, statsV2).

The host's cgroup version decides which of two messages containerd answers with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.containerd._convert import any_from, message_name
from runner.containerd._pb.cgroups.cgroup1.stats import metrics_pb2 as v1
from runner.containerd._pb.cgroups.cgroup2.stats import metrics_pb2 as v2
from runner.types.errors import System
from runner.types.stats import (
    BlkioStatEntry,
    BlkioStats,
    CPUStats,
    CPUUsage,
    MemoryStats,
    PidsStats,
    StatsResponse,
    ThrottlingData,
)
from runner.types.times import format_ns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from runner.containerd._pb.types import metrics_pb2

_MICROSECOND: Final = 1000

_V1_NAMES: Final = {
    "pg_pg_in": "pgpgin",
    "pg_pg_out": "pgpgout",
    "pg_fault": "pgfault",
    "pg_maj_fault": "pgmajfault",
    "total_pg_pg_in": "total_pgpgin",
    "total_pg_pg_out": "total_pgpgout",
    "total_pg_fault": "total_pgfault",
    "total_pg_maj_fault": "total_pgmajfault",
    "hierarchical_swap_limit": "hierarchical_memsw_limit",
}
"""What the kernel's memory.stat calls the fields that the message calls otherwise."""


def stats_from(metric: metrics_pb2.Metric) -> StatsResponse:
    """What the cgroup tells: neither network, nor the host's CPU time, nor the previous frame.

    Raises System for metrics of a kind that is not a cgroup's.
    """
    data = any_from(metric.data)
    match message_name(data.type_url):
        case "io.containerd.cgroups.v1.Metrics":
            stats = _from_v1(v1.Metrics.FromString(data.value))
        case "io.containerd.cgroups.v2.Metrics":
            stats = _from_v2(v2.Metrics.FromString(data.value))
        case unknown:
            raise System(f"unexpected type of metrics {unknown}")
    stats.read = format_ns(metric.timestamp.ToNanoseconds())
    return stats


def _from_v1(metrics: v1.Metrics) -> StatsResponse:
    stats = StatsResponse(pids_stats=PidsStats(metrics.pids.current, metrics.pids.limit))
    if metrics.HasField("blkio"):
        stats.blkio_stats = _block_io_v1(metrics.blkio)
    usage, throttling = metrics.cpu.usage, metrics.cpu.throttling
    stats.cpu_stats = CPUStats(
        CPUUsage(usage.total, list(usage.per_cpu), usage.kernel, usage.user),
        throttling_data=ThrottlingData(
            throttling.periods, throttling.throttled_periods, throttling.throttled_time
        ),
    )
    if metrics.HasField("memory"):
        memory = metrics.memory.usage
        stats.memory_stats = MemoryStats(
            usage=memory.usage,
            max_usage=memory.max,
            stats=_numbers(metrics.memory, without=("usage",)),
            failcnt=memory.failcnt,
            limit=memory.limit,
        )
    return stats


def _block_io_v1(stats: v1.BlkIOStat) -> BlkioStats:
    return BlkioStats(
        io_service_bytes_recursive=_entries(stats.io_service_bytes_recursive),
        io_serviced_recursive=_entries(stats.io_serviced_recursive),
        io_queue_recursive=_entries(stats.io_queued_recursive),
        io_service_time_recursive=_entries(stats.io_service_time_recursive),
        io_wait_time_recursive=_entries(stats.io_wait_time_recursive),
        io_merged_recursive=_entries(stats.io_merged_recursive),
        io_time_recursive=_entries(stats.io_time_recursive),
        sectors_recursive=_entries(stats.sectors_recursive),
    )


def _entries(entries: Iterable[v1.BlkIOEntry]) -> list[BlkioStatEntry]:
    return [BlkioStatEntry(entry.major, entry.minor, entry.op, entry.value) for entry in entries]


def _from_v2(metrics: v2.Metrics) -> StatsResponse:
    stats = StatsResponse(pids_stats=PidsStats(metrics.pids.current, metrics.pids.limit))
    # without any device it is null here, where version 1 has an empty list
    stats.blkio_stats.io_service_bytes_recursive = [
        BlkioStatEntry(entry.major, entry.minor, operation, value)
        for entry in metrics.io.usage
        for operation, value in (("read", entry.rbytes), ("write", entry.wbytes))
    ] or None
    cpu = metrics.cpu
    stats.cpu_stats = CPUStats(
        CPUUsage(
            total_usage=cpu.usage_usec * _MICROSECOND,
            usage_in_kernelmode=cpu.system_usec * _MICROSECOND,
            usage_in_usermode=cpu.user_usec * _MICROSECOND,
        ),
        throttling_data=ThrottlingData(
            cpu.nr_periods, cpu.nr_throttled, cpu.throttled_usec * _MICROSECOND
        ),
    )
    if metrics.HasField("memory"):
        stats.memory_stats = MemoryStats(
            usage=metrics.memory.usage,
            stats=_numbers(metrics.memory, without=("usage", "usage_limit")),
            failcnt=metrics.memory_events.oom,
            limit=metrics.memory.usage_limit,
        )
    return stats


def _numbers(message: Message, *, without: tuple[str, ...]) -> dict[str, int]:
    """Every number of the message by the kernel's name for it: our protos have no others."""
    return {
        _V1_NAMES.get(field.name, field.name): getattr(message, field.name)
        for field in message.DESCRIPTOR.fields
        if field.name not in without
    }
