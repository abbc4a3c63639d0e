"""What a container uses, as the Engine API shows it (moby api/types/container/stats.go).

Every field is there for every platform that dockerd knows; those of Windows stay empty.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.types.times import ZERO_TIME
from runner.types.wire import Wire


class PidsStats(Wire):
    """Processes in the cgroup; a limit of 0 is none."""

    current: int = 0
    limit: int = 0

    omit_empty: ClassVar[frozenset[str]] = frozenset({"current", "limit"})


class BlkioStatEntry(Wire):
    """One operation on one device."""

    major: int
    minor: int
    op: str
    value: int


class BlkioStats(Wire):
    """Block IO by device. What is not counted is null or empty, by the cgroup version."""

    io_service_bytes_recursive: list[BlkioStatEntry] | None = None
    io_serviced_recursive: list[BlkioStatEntry] | None = None
    io_queue_recursive: list[BlkioStatEntry] | None = None
    io_service_time_recursive: list[BlkioStatEntry] | None = None
    io_wait_time_recursive: list[BlkioStatEntry] | None = None
    io_merged_recursive: list[BlkioStatEntry] | None = None
    io_time_recursive: list[BlkioStatEntry] | None = None
    sectors_recursive: list[BlkioStatEntry] | None = None


class StorageStats(Wire):
    """Windows' block IO: always empty here."""


class CPUUsage(Wire):
    """Nanoseconds since the container's start, and of each CPU where the kernel tells."""

    total_usage: int = 0
    percpu_usage: list[int] | None = None
    usage_in_kernelmode: int = 0
    usage_in_usermode: int = 0

    omit_empty: ClassVar[frozenset[str]] = frozenset({"percpu_usage"})


class ThrottlingData(Wire):
    """How often the CPU quota held the container up, and for how many nanoseconds."""

    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


class CPUStats(Wire):
    """The container's share: its own time beside the whole host's, in nanoseconds."""

    cpu_usage: CPUUsage = msgspec.field(default_factory=CPUUsage)
    system_cpu_usage: int = 0
    online_cpus: int = 0
    throttling_data: ThrottlingData = msgspec.field(default_factory=ThrottlingData)

    omit_empty: ClassVar[frozenset[str]] = frozenset({"system_cpu_usage", "online_cpus"})


class MemoryStats(Wire):
    """Bytes. `stats` is the cgroup's memory.stat, whose keys differ by cgroup version."""

    usage: int = 0
    max_usage: int = 0
    stats: dict[str, int] = msgspec.field(default_factory=dict)
    failcnt: int = 0
    limit: int = 0

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"usage", "max_usage", "stats", "failcnt", "limit"}
    )


class NetworkStats(Wire):
    """What has passed one interface, as the container sees it."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class StatsResponse(Wire):
    """GET /containers/{id}/stats. `precpu_stats` and `preread` are those of the frame before."""

    name: str = ""
    id: str = ""
    read: str = ZERO_TIME
    preread: str = ZERO_TIME
    pids_stats: PidsStats = msgspec.field(default_factory=PidsStats)
    blkio_stats: BlkioStats = msgspec.field(default_factory=BlkioStats)
    num_procs: int = 0
    storage_stats: StorageStats = msgspec.field(default_factory=StorageStats)
    cpu_stats: CPUStats = msgspec.field(default_factory=CPUStats)
    precpu_stats: CPUStats = msgspec.field(default_factory=CPUStats)
    memory_stats: MemoryStats = msgspec.field(default_factory=MemoryStats)
    networks: dict[str, NetworkStats] = msgspec.field(default_factory=dict)

    omit_empty: ClassVar[frozenset[str]] = frozenset({"name", "id", "networks"})
