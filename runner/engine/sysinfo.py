"""What this kernel lets containers be limited by (moby pkg/sysinfo). Read once, at the start."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.cgroup_facts import Machine, read_unified, read_v1

if TYPE_CHECKING:
    from runner.oci.host import Host


@dataclass(frozen=True, slots=True)
class SysInfo:
    """Which limits exist, and which CPUs and memory nodes there are.

    `warnings` says what is missing, for `info`. `cpu_count` is what the engine may use.
    `capabilities` are those that containers can be given at all.
    """

    memory_limit: bool = False
    swap_limit: bool = False
    memory_reservation: bool = False
    oom_kill_disable: bool = False
    memory_swappiness: bool = False
    kernel_memory: bool = False
    kernel_memory_tcp: bool = False
    cpu_shares: bool = False
    cpu_cfs: bool = False
    cpu_realtime: bool = False
    blkio_weight: bool = False
    blkio_weight_device: bool = False
    blkio_read_bps_device: bool = False
    blkio_write_bps_device: bool = False
    blkio_read_iops_device: bool = False
    blkio_write_iops_device: bool = False
    cpuset: bool = False
    cpus: str = ""
    mems: str = ""
    cpu_sets: frozenset[int] = frozenset()
    mem_sets: frozenset[int] = frozenset()
    pids_limit: bool = False
    cgroup_devices: bool = False
    cgroup_namespaces: bool = False
    cgroup_unified: bool = False
    systemd_cgroups: bool = False
    ipv4_forwarding_disabled: bool = False
    cpu_count: int = 1
    capabilities: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def memory_total() -> int:
    """Bytes of memory that the host has (MemTotal)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def read_sysinfo(host: Host, root: Path = Path("/")) -> SysInfo:
    """Look at /proc and /sys below `root`. What cannot be read counts as missing."""
    machine = Machine(root)
    info = SysInfo(
        cgroup_namespaces=machine.exists("proc/self/ns/cgroup"),
        cgroup_unified=host.cgroup_version == 2,
        systemd_cgroups=host.uses_systemd,
        ipv4_forwarding_disabled=machine.text("proc/sys/net/ipv4/ip_forward") != "1",
        cpu_count=len(os.sched_getaffinity(0)),
        capabilities=host.capabilities,
    )
    if info.cgroup_unified:
        found = read_unified(machine, in_user_namespace=host.in_user_namespace)
    else:
        found = read_v1(machine)
    return replace(info, **found.facts, warnings=tuple(found.warnings))
