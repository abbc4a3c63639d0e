"""A cgroup's figures, of either version, as the Engine API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from runner.containerd._convert import any_of
from runner.containerd._pb.cgroups.cgroup1.stats import metrics_pb2 as v1
from runner.containerd._pb.cgroups.cgroup2.stats import metrics_pb2 as v2
from runner.containerd._pb.types import metrics_pb2
from runner.containerd.metrics import stats_from
from runner.types import wire
from runner.types.errors import System

if TYPE_CHECKING:
    from google.protobuf.message import Message

STAMP = Timestamp(seconds=1767323045, nanos=678901230)


def shown(metrics: Message) -> dict[str, object]:
    metric = metrics_pb2.Metric(timestamp=STAMP, data=any_of(metrics))
    answer: dict[str, object] = wire.to_wire(stats_from(metric))
    return answer


def test_version_1() -> None:
    metrics = v1.Metrics(
        pids=v1.PidsStat(current=3, limit=7),
        cpu=v1.CPUStat(
            usage=v1.CPUUsage(total=100, kernel=60, user=40, per_cpu=[30, 70]),
            throttling=v1.Throttle(periods=5, throttled_periods=2, throttled_time=9),
        ),
        memory=v1.MemoryStat(
            total_inactive_file=11,
            pg_pg_in=12,
            total_pg_maj_fault=13,
            hierarchical_swap_limit=14,
            usage=v1.MemoryEntry(limit=1000, usage=500, max=600, failcnt=1),
        ),
        blkio=v1.BlkIOStat(
            io_service_bytes_recursive=[v1.BlkIOEntry(op="Read", major=8, minor=1, value=4096)],
            io_queued_recursive=[v1.BlkIOEntry(op="Total", major=8, value=2)],
        ),
    )
    answer = shown(metrics)
    assert answer["read"] == "2026-01-02T03:04:05.67890123Z"
    assert answer["pids_stats"] == {"current": 3, "limit": 7}
    assert answer["cpu_stats"] == {
        "cpu_usage": {
            "total_usage": 100,
            "percpu_usage": [30, 70],
            "usage_in_kernelmode": 60,
            "usage_in_usermode": 40,
        },
        "throttling_data": {"periods": 5, "throttled_periods": 2, "throttled_time": 9},
    }
    memory = answer["memory_stats"]
    assert isinstance(memory, dict)
    stats = memory.pop("stats")
    assert memory == {"usage": 500, "max_usage": 600, "failcnt": 1, "limit": 1000}
    assert {name: value for name, value in stats.items() if value} == {
        "total_inactive_file": 11,
        "pgpgin": 12,
        "total_pgmajfault": 13,
        "hierarchical_memsw_limit": 14,
    }
    assert len(stats) == 32
    blkio = answer["blkio_stats"]
    assert isinstance(blkio, dict)
    assert blkio["io_service_bytes_recursive"] == [
        {"major": 8, "minor": 1, "op": "Read", "value": 4096}
    ]
    assert blkio["io_queue_recursive"] == [{"major": 8, "minor": 0, "op": "Total", "value": 2}]
    assert blkio["sectors_recursive"] == []


def test_version_2() -> None:
    metrics = v2.Metrics(
        pids=v2.PidsStat(current=3, limit=2**64 - 1),
        cpu=v2.CPUStat(
            usage_usec=100,
            system_usec=60,
            user_usec=40,
            nr_periods=5,
            nr_throttled=2,
            throttled_usec=9,
        ),
        memory=v2.MemoryStat(inactive_file=11, usage=500, usage_limit=2**64 - 1),
        io=v2.IOStat(usage=[v2.IOEntry(major=8, minor=1, rbytes=4096, wbytes=512)]),
        memory_events=v2.MemoryEvents(oom=4),
    )
    answer = shown(metrics)
    assert answer["pids_stats"] == {"current": 3, "limit": 2**64 - 1}
    assert answer["cpu_stats"] == {
        "cpu_usage": {
            "total_usage": 100_000,
            "usage_in_kernelmode": 60_000,
            "usage_in_usermode": 40_000,
        },
        "throttling_data": {"periods": 5, "throttled_periods": 2, "throttled_time": 9_000},
    }
    memory = answer["memory_stats"]
    assert isinstance(memory, dict)
    stats = memory.pop("stats")
    assert memory == {"usage": 500, "failcnt": 4, "limit": 2**64 - 1}
    assert {name: value for name, value in stats.items() if value} == {"inactive_file": 11}
    assert len(stats) == 31
    blkio = answer["blkio_stats"]
    assert isinstance(blkio, dict)
    assert blkio.pop("io_service_bytes_recursive") == [
        {"major": 8, "minor": 1, "op": "read", "value": 4096},
        {"major": 8, "minor": 1, "op": "write", "value": 512},
    ]
    assert set(blkio.values()) == {None}


def test_version_2_without_devices_has_null() -> None:
    assert shown(v2.Metrics(io=v2.IOStat()))["blkio_stats"] == dict.fromkeys(
        [
            "io_service_bytes_recursive",
            "io_serviced_recursive",
            "io_queue_recursive",
            "io_service_time_recursive",
            "io_wait_time_recursive",
            "io_merged_recursive",
            "io_time_recursive",
            "sectors_recursive",
        ]
    )


@pytest.mark.parametrize("metrics", [v1.Metrics(), v2.Metrics()], ids=["v1", "v2"])
def test_what_the_cgroup_does_not_tell_is_empty(metrics: Message) -> None:
    answer = shown(metrics)
    assert (answer["pids_stats"], answer["memory_stats"]) == ({}, {})


def test_metrics_of_another_kind_are_refused() -> None:
    with pytest.raises(System, match=r"unexpected type of metrics google\.protobuf\.Timestamp"):
        shown(STAMP)
