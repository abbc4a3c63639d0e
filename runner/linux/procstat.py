"""Counters in /proc that no cgroup has: the host's CPU time, the traffic of interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_TICK: Final = 1_000_000_000 // 100
"""Nanoseconds. USER_HZ is 100 on every architecture that containers run on."""
_CPU_FIELDS: Final = 7
"""user nice system idle iowait irq softirq: steal and guest are not counted (moby)."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an interface has received and sent, from the side of its own namespace."""

    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


def cpu_time(lines: Iterable[str]) -> tuple[int, int]:
    """From /proc/stat: nanoseconds that all CPUs have been there together, and how many are online.

    Raises ValueError. Source: moby daemon/stats_unix.go readSystemCPUUsage.
    """
    total = online = 0
    for line in lines:
        name, *fields = line.split()
        if not name.startswith("cpu"):
            break  # the CPUs' lines come first
        if name != "cpu":
            online += 1
        elif len(fields) < _CPU_FIELDS:
            raise ValueError("invalid number of cpu fields")
        else:
            total = sum(map(int, fields[:_CPU_FIELDS])) * _TICK
    return total, online


def traffic(lines: Iterable[str]) -> dict[str, Traffic]:
    """From /proc/PID/net/dev: the interfaces of that process's namespace by name.

    Raises ValueError.
    """
    return {
        name.strip(): _traffic(fields.split())
        for name, colon, fields in (line.rpartition(":") for line in lines)
        if colon  # two lines of titles have none
    }


def _traffic(fields: list[str]) -> Traffic:
    received, sent = fields[:8], fields[8:]
    return Traffic(*map(int, received[:4]), *map(int, sent[:4]))
