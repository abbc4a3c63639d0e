"""The spec before any setting of the user's is applied (moby oci.DefaultLinuxSpec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.oci.capabilities import DEFAULT_CAPABILITIES
from runner.oci.spec import (
    VERSION,
    Linux,
    LinuxCapabilities,
    LinuxDeviceCgroup,
    LinuxNamespace,
    LinuxResources,
    Mount,
    Process,
    Root,
    Spec,
    User,
)

if TYPE_CHECKING:
    from runner.oci.host import Host

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SHM_SIZE: Final = 64 << 20

MASKED_PATHS: Final = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
"""Each tells about the host or other containers; /proc/interrupts and what CPUs' temperature and
power tell leak what others type (GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p)."""

READONLY_PATHS: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_MOUNTS: Final = (
    ("/proc", "proc", "proc", "nosuid noexec nodev"),
    ("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
    (
        "/dev/pts",
        "devpts",
        "devpts",
        "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5",
    ),
    ("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
    ("/sys/fs/cgroup", "cgroup", "cgroup", "ro nosuid noexec nodev"),
    ("/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev"),
    ("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777"),  # noqa: S108
)
"""Destination, type, source, options. The order matters: parents before children."""

_NAMESPACES: Final = ("mount", "network", "uts", "pid", "ipc")

_DEVICES: Final = (
    (True, 1, 5),  # zero
    (True, 1, 3),  # null
    (True, 1, 9),  # urandom
    (True, 1, 8),  # random
    (True, 5, 0),  # tty
    (True, 5, 1),  # console
    (False, 10, 229),  # fuse
)
"""Character devices allowed or denied, after everything has been denied."""


def default_masked_paths(host: Host) -> list[str]:
    """What containers do not see of /proc and /sys."""
    return [*MASKED_PATHS, *host.thermal_throttle_paths]


def default_device_rules() -> list[LinuxDeviceCgroup]:
    """The devices that every container may use; runtimes make their nodes by themselves."""
    return [LinuxDeviceCgroup(allow=False, access="rwm")] + [
        LinuxDeviceCgroup(allow=allow, type="c", major=major, minor=minor, access="rwm")
        for allow, major, minor in _DEVICES
    ]


def default_linux_spec(host: Host) -> Spec:
    """A new spec; the caller owns it."""
    return Spec(
        oci_version=VERSION,
        process=Process(
            user=User(uid=0, gid=0),
            cwd="/",
            capabilities=capability_sets(list(DEFAULT_CAPABILITIES)),
        ),
        root=Root(path=""),
        mounts=[
            Mount(destination, kind, source, options.split())
            for destination, kind, source, options in _MOUNTS
        ],
        linux=Linux(
            masked_paths=default_masked_paths(host),
            readonly_paths=list(READONLY_PATHS),
            namespaces=[LinuxNamespace(kind) for kind in _NAMESPACES],
            resources=LinuxResources(devices=default_device_rules()),
        ),
    )


def capability_sets(names: list[str]) -> LinuxCapabilities:
    """No inheritable and no ambient ones (oci.SetCapabilities; CVE-2022-24769)."""
    return LinuxCapabilities(bounding=names, effective=names, permitted=names)
