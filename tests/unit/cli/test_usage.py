"""Figures of `stats`, from what the engine tells."""

from __future__ import annotations

from typing import Any

from runner.cli.format import usage

STATS: dict[str, Any] = {
    "name": "/box",
    "id": "f" * 64,
    "cpu_stats": {
        "cpu_usage": {"total_usage": 300},
        "system_cpu_usage": 1100,
        "online_cpus": 4,
    },
    "precpu_stats": {"cpu_usage": {"total_usage": 200}, "system_cpu_usage": 100},
    "memory_stats": {"usage": 3 << 20, "limit": 8 << 20, "stats": {"inactive_file": 1 << 20}},
    "networks": {
        "eth0": {"rx_bytes": 1000, "tx_bytes": 2},
        "eth1": {"rx_bytes": 560, "tx_bytes": 3},
    },
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"op": "read", "value": 5000},
            {"op": "Write", "value": 7},
            {"op": "Total", "value": 9},
            {"op": "", "value": 9},
        ]
    },
    "pids_stats": {"current": 3},
}


def test_a_row() -> None:
    assert usage.row("box", STATS, valid=True, truncate=True) == {
        "Container": "box",
        "Name": "box",
        "ID": "f" * 12,
        "CPUPerc": "40.00%",
        "MemUsage": "2MiB / 8MiB",
        "MemPerc": "25.00%",
        "NetIO": "1.56kB / 5B",
        "BlockIO": "5kB / 7B",
        "PIDs": "3",
    }


def test_no_figures_yet() -> None:
    row = usage.row("box", {}, valid=True, truncate=True)
    assert (row["Name"], row["ID"], row["CPUPerc"]) == ("--", "", "0.00%")
    assert (row["MemUsage"], row["NetIO"], row["PIDs"]) == ("0B / 0B", "0B / 0B", "0")


def test_figures_that_are_too_old() -> None:
    row = usage.row("box", STATS, valid=False, truncate=False)
    assert (row["Name"], row["ID"], row["MemUsage"]) == ("box", "f" * 64, "-- / --")
    assert {row[name] for name in ("CPUPerc", "MemPerc", "NetIO", "BlockIO", "PIDs")} == {"--"}


def test_cpus_are_counted_where_they_are_not_told() -> None:
    now = {"cpu_usage": {"total_usage": 10, "percpu_usage": [5, 5]}, "system_cpu_usage": 40}
    assert usage.cpu_percent({"cpu_stats": now, "precpu_stats": {}}) == 50
    assert usage.cpu_percent({"cpu_stats": now, "precpu_stats": now}) == 0


def test_memory_of_cgroup_v1() -> None:
    stats = {"total_inactive_file": 4, "inactive_file": 1}
    assert usage.memory_used({"usage": 10, "stats": stats}) == 6
    assert usage.memory_used({"usage": 3, "stats": stats}) == 2
    assert usage.memory_used({"usage": 1, "stats": stats}) == 1
