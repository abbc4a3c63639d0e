"""A container's use of resources in columns (docker/cli statsContext and its calculations)."""

from __future__ import annotations

from runner.cli.format.kind import Kind
from runner.cli.format.listing import short_id
from runner.client.units import bytes_size, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.format.kind import Row

    Stats = dict[str, Any]

KIND = Kind(
    "container.statsContext",
    {
        "Container": "CONTAINER",
        "Name": "NAME",
        "ID": "CONTAINER ID",
        "CPUPerc": "CPU %",
        "MemUsage": "MEM USAGE / LIMIT",
        "MemPerc": "MEM %",
        "NetIO": "NET I/O",
        "BlockIO": "BLOCK I/O",
        "PIDs": "PIDS",
    },
)
COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
_UNKNOWN = "--"


def row(asked: str, stats: Stats, *, valid: bool, truncate: bool) -> Row:
    """The columns for a container that was asked for by this name.

    Without valid figures only what it is called is shown; no figures at all count as zero.
    """
    name, identity = stats.get("name", ""), stats.get("id", "")
    called = {
        "Container": asked,
        "Name": name[1:] if len(name) > 1 else _UNKNOWN,
        "ID": short_id(identity) if truncate else identity,
    }
    if valid:
        return called | _figures(stats)
    return called | {
        "CPUPerc": _UNKNOWN,
        "MemUsage": f"{_UNKNOWN} / {_UNKNOWN}",
        "MemPerc": _UNKNOWN,
        "NetIO": _UNKNOWN,
        "BlockIO": _UNKNOWN,
        "PIDs": _UNKNOWN,
    }


def _figures(stats: Stats) -> Row:
    memory = stats.get("memory_stats") or {}
    used, limit = memory_used(memory), memory.get("limit", 0)
    networks = (stats.get("networks") or {}).values()
    received, sent = (sum(network[f"{way}_bytes"] for network in networks) for way in ("rx", "tx"))
    read, written = _block_io(stats.get("blkio_stats") or {})
    return {
        "CPUPerc": f"{cpu_percent(stats):.2f}%",
        "MemUsage": f"{bytes_size(used)} / {bytes_size(limit)}",
        "MemPerc": f"{used / limit * 100 if limit else 0:.2f}%",
        "NetIO": f"{human_size(received, 3)} / {human_size(sent, 3)}",
        "BlockIO": f"{human_size(read, 3)} / {human_size(written, 3)}",
        "PIDs": str((stats.get("pids_stats") or {}).get("current", 0)),
    }


def cpu_percent(stats: Stats) -> float:
    """The container's share of the machine's CPU time since the last reading, 100 for a CPU."""
    now, before = stats.get("cpu_stats") or {}, stats.get("precpu_stats") or {}
    usage = now.get("cpu_usage") or {}
    used = usage.get("total_usage", 0) - (before.get("cpu_usage") or {}).get("total_usage", 0)
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cpus = now.get("online_cpus") or len(usage.get("percpu_usage") or ())
    return used / passed * cpus * 100 if used > 0 and passed > 0 else 0.0


def memory_used(memory: Stats) -> int:
    """What is in use without the pages that the kernel may drop at once, cgroup v1 or v2."""
    usage: int = memory.get("usage", 0)
    stats = memory.get("stats") or {}
    for name in ("total_inactive_file", "inactive_file"):
        inactive: int = stats.get(name, 0)
        if name in stats and inactive < usage:
            return usage - inactive
    return usage


def _block_io(stats: Stats) -> tuple[int, int]:
    """Bytes read and written."""
    entries = stats.get("io_service_bytes_recursive") or []
    read, written = (
        sum(entry["value"] for entry in entries if entry["op"][:1].lower() == letter)
        for letter in ("r", "w")
    )
    return read, written
