"""What the machine can do, as far as specs depend on it. Read once, when the engine starts."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.oci.hostfiles import HostFiles, LiveHostFiles
from runner.oci.recursive_read_only import recursive_read_only_problem
from runner.types.capabilities import KNOWN_CAPABILITIES

DEFAULT_SYSCTLS: Final = ("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start")
"""What dockerd sets in new network namespaces, where the kernel has it."""


@dataclass(frozen=True, slots=True)
class Host:
    """Facts about the host.

    `cgroup_driver` is "systemd" or "cgroupfs". `architecture` is Go's name (GOARCH), which seccomp
    profiles use. `capabilities` are those that the engine itself has. `recursive_read_only` is
    empty when read-only mounts can be recursive, and otherwise says why not, in dockerd's words.
    """

    cgroup_version: int
    cgroup_driver: str
    kernel_release: str
    architecture: str
    capabilities: tuple[str, ...]
    apparmor: bool
    seccomp: bool
    thermal_throttle_paths: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = DEFAULT_SYSCTLS
    recursive_read_only: str = ""
    in_user_namespace: bool = False
    files: HostFiles = field(default_factory=LiveHostFiles, compare=False)

    @property
    def uses_systemd(self) -> bool:
        """Whether cgroups are systemd's to make (moby UsingSystemd)."""
        return self.cgroup_driver == "systemd"


def read_host(runtime: str = "runc") -> Host:
    """Look at this machine. Runs `<runtime> features` once."""
    cgroup_version = _cgroup_version()
    return Host(
        cgroup_version=cgroup_version,
        cgroup_driver=_cgroup_driver(cgroup_version),
        kernel_release=os.uname().release,
        architecture=go_architecture(platform.machine()),
        capabilities=_current_capabilities(),
        apparmor=_apparmor_enabled(),
        seccomp=Path("/proc/sys/kernel/seccomp/actions_avail").exists(),
        thermal_throttle_paths=_thermal_throttle_paths(),
        sysctls=tuple(name for name in DEFAULT_SYSCTLS if _sysctl_exists(name)),
        recursive_read_only=recursive_read_only_problem(runtime),
        in_user_namespace=_running_in_user_namespace(),
    )


_GOARCH: Final = {
    "x86_64": "amd64",
    "i386": "386",
    "i686": "386",
    "aarch64": "arm64",
    "armv6l": "arm",
    "armv7l": "arm",
    "armv8l": "arm",
    "mips64el": "mips64le",
    "loongarch64": "loong64",
}


def go_architecture(machine: str) -> str:
    """GOARCH of uname's machine; the names that are the same in both are not in the table."""
    return _GOARCH.get(machine, machine)


def makes_cgroups_by_systemd() -> bool:
    """Whether this host's cgroups are systemd's to make."""
    return _cgroup_driver(_cgroup_version()) == "systemd"


def _cgroup_version() -> int:
    """2 when /sys/fs/cgroup is the unified hierarchy alone (containerd/cgroups Mode())."""
    return 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1


def _cgroup_driver(cgroup_version: int) -> str:
    """moby UsingSystemd: systemd's only where it was booted and cgroups are version 2."""
    booted = Path("/run/systemd/system")
    systemd = cgroup_version == 2 and booted.is_dir() and not booted.is_symlink()
    return "systemd" if systemd else "cgroupfs"


def _current_capabilities() -> tuple[str, ...]:
    """The effective set of this process (containerd cap.Current)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            bitmap = int(line.split()[1], 16)
            return tuple(
                name for number, name in enumerate(KNOWN_CAPABILITIES) if bitmap >> number & 1
            )
    return KNOWN_CAPABILITIES


def _apparmor_enabled() -> bool:
    """Whether AppArmor is on and can be told so (containerd apparmor.HostSupports).

    Not inside another container, which says so by the variable `container`.
    """
    contained = os.environ.get("container")  # noqa: SIM112 (systemd's name for it)
    if contained or not Path("/sys/kernel/security/apparmor").exists():
        return False
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    return (
        Path("/sbin/apparmor_parser").exists()
        and enabled.exists()
        and enabled.read_text().startswith("Y")
    )


def _thermal_throttle_paths() -> tuple[str, ...]:
    """Where CPUs tell how hot they run, for each possible CPU (moby defaultLinuxMaskedPaths)."""
    paths = (f"/sys/devices/system/cpu/cpu{number}/thermal_throttle" for number in _possible_cpus())
    return tuple(path for path in paths if Path(path).exists())


def _possible_cpus() -> list[int]:
    try:
        return parse_cpus(Path("/sys/devices/system/cpu/possible").read_text())
    except (OSError, ValueError):
        return list(range(os.cpu_count() or 1))


def parse_cpus(text: str) -> list[int]:
    """The numbers in a list such as `0-3,8`. Raises ValueError."""
    cpus: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def _sysctl_exists(name: str) -> bool:
    return Path("/proc/sys", *name.split(".")).exists()


def _running_in_user_namespace() -> bool:
    """Whether UIDs here are not the machine's (moby/sys/userns)."""
    try:
        mapping = Path("/proc/self/uid_map").read_text().split()
    except OSError:
        return False
    return mapping != ["0", "0", "4294967295"]
