"""Which limits the cgroup controllers of this machine have (moby pkg/sysinfo)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runner.engine.cpusets import parse_uint_list
from runner.linux.mountinfo import parse_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Files of the machine; a test has its own."""

    root: Path

    def exists(self, path: str) -> bool:
        return (self.root / path.lstrip("/")).exists()

    def inside(self, folder: str) -> Callable[[str], bool]:
        """`exists` for the files of one folder."""
        return lambda file: self.exists(f"{folder}/{file}")

    def text(self, path: str) -> str:
        try:
            return (self.root / path.lstrip("/")).read_text().strip()
        except OSError:
            return ""


@dataclass(slots=True)
class Findings:
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def look(self, exists: Callable[[str], bool], files: Iterable[tuple[str, str, str]]) -> None:
        """Note which files are there: (fact, file, what to warn of if it is missing)."""
        for fact, file, warning in files:
            self.facts[fact] = exists(file)
            if warning and not self.facts[fact]:
                self.warnings.append(f"Your kernel does not support {warning}")

    def cpuset(self, cpus: str, mems: str) -> None:
        # That the CPUs' list stands for the memory nodes too is dockerd's slip, kept here: what
        # it accepts is accepted.
        sets = parse_uint_list(cpus)
        self.facts.update(cpuset=True, cpus=cpus, mems=mems, cpu_sets=sets, mem_sets=sets)


_MEMORY_V1: Final = (
    ("swap_limit", "memory.memsw.limit_in_bytes", "swap memory limit"),
    ("memory_reservation", "memory.soft_limit_in_bytes", "memory reservation"),
    ("oom_kill_disable", "memory.oom_control", "oom control"),
    ("memory_swappiness", "memory.swappiness", "memory swappiness"),
    ("kernel_memory", "memory.kmem.limit_in_bytes", ""),
    ("kernel_memory_tcp", "memory.kmem.tcp.limit_in_bytes", ""),
)
_CPU_V1: Final = (
    ("cpu_shares", "cpu.shares", "CPU shares"),
    ("cpu_cfs", "cpu.cfs_quota_us", "CPU CFS scheduler"),
    ("cpu_realtime", "cpu.rt_period_us", "CPU realtime scheduler"),
)
_BLKIO_V1: Final = (
    ("blkio_weight", "blkio.weight", "cgroup blkio weight"),
    ("blkio_weight_device", "blkio.weight_device", "cgroup blkio weight_device"),
    *(
        (
            f"blkio_{way}_{unit}_device",
            f"blkio.throttle.{way}_{unit}_device",
            f"cgroup blkio throttle.{way}_{unit}_device",
        )
        for unit in ("bps", "iops")
        for way in ("read", "write")
    ),
)
_FILES_V1: Final = {"memory": _MEMORY_V1, "cpu": _CPU_V1, "blkio": _BLKIO_V1}
_MISSING_V1: Final = {
    "memory": "Your kernel does not support cgroup memory limit",
    **{
        controller: f"Unable to find {controller} cgroup in mounts"
        for controller in ("cpu", "blkio", "cpuset", "pids")
    },
}


def read_v1(machine: Machine) -> Findings:
    """cgroup version 1: a limit is there if its file is (sysinfo_linux.go newV1)."""
    found = Findings()
    mounts = _v1_mounts(machine)
    for controller, warning in _MISSING_V1.items():
        if controller not in mounts:
            found.warnings.append(warning)
            continue
        folder = mounts[controller]
        found.look(machine.inside(folder), _FILES_V1.get(controller, ()))
    if folder := mounts.get("cpuset", ""):
        found.cpuset(
            machine.text(f"{folder}/cpuset.cpus"),
            machine.text(f"{folder}/cpuset.mems"),
        )
    found.facts.update(
        memory_limit="memory" in mounts,
        pids_limit="pids" in mounts,
        cgroup_devices="devices" in mounts,
    )
    return found


def _v1_mounts(machine: Machine) -> dict[str, str]:
    """Where each controller's hierarchy is mounted; the first mount counts."""
    mounts: dict[str, str] = {}
    for line in machine.text("proc/self/mountinfo").splitlines():
        mount = parse_line(line)
        if mount.fstype == "cgroup":
            for option in mount.super_options:
                mounts.setdefault(option, mount.mountpoint)
    return mounts


_UNIFIED: Final = {
    "memory": ("memory_limit", "memory_reservation"),
    "cpu": ("cpu_shares", "cpu_cfs"),
    "io": (
        "blkio_weight",
        "blkio_weight_device",
        "blkio_read_bps_device",
        "blkio_write_bps_device",
        "blkio_read_iops_device",
        "blkio_write_iops_device",
    ),
    "cpuset": ("cpuset",),
    "pids": ("pids_limit",),
}


def read_unified(machine: Machine, *, in_user_namespace: bool) -> Findings:
    """cgroup version 2: a controller brings all of its limits (cgroup2_linux.go newV2)."""
    found = Findings()
    controllers = machine.text("sys/fs/cgroup/cgroup.controllers").split()
    for controller, facts in _UNIFIED.items():
        if controller in controllers:
            found.facts.update(dict.fromkeys(facts, True))
        else:
            found.warnings.append(f"Unable to find {controller} controller")
    if "memory" in controllers:
        found.facts["swap_limit"] = _unified_swap_limit(machine)
    if "cpuset" in controllers:
        found.cpuset(
            machine.text("sys/fs/cgroup/cpuset.cpus.effective"),
            machine.text("sys/fs/cgroup/cpuset.mems.effective"),
        )
    found.facts["cgroup_devices"] = not in_user_namespace
    return found


def _unified_swap_limit(machine: Machine) -> bool:
    """Looked for in the engine's own cgroup: the root has no such file (getSwapLimitV2)."""
    for line in machine.text("proc/self/cgroup").splitlines():
        if line.startswith("0::"):
            return machine.exists(f"sys/fs/cgroup/{line[3:]}/memory.swap.max")
    return False
