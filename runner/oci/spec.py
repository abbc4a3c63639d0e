"""The OCI runtime specification's config.json, as far as dockerd fills it.

Field names and what is left out when empty follow runtime-spec's Go types (specs-go/config.go), so
`msgspec.json.encode(spec)` is the config.json: a field with a default here is `omitempty` there.
"""

from __future__ import annotations

import msgspec

VERSION = "1.2.1"
"""The version of the specification that dockerd 28 writes (specs.Version)."""


class _Wire(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of the specification's objects: camelCase names, empty optional fields left out."""


class _Frozen(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """The same for objects that several specs share."""


class Box(_Wire):
    """A terminal's size in characters."""

    height: int
    width: int


class User(_Wire):
    """Whom the process runs as. `additional_gids` repeats the primary group, as dockerd does."""

    uid: int
    gid: int
    additional_gids: list[int] = msgspec.field(default_factory=list)


class LinuxCapabilities(_Wire):
    """The capability sets (capabilities(7))."""

    bounding: list[str] = msgspec.field(default_factory=list)
    effective: list[str] = msgspec.field(default_factory=list)
    permitted: list[str] = msgspec.field(default_factory=list)
    inheritable: list[str] = msgspec.field(default_factory=list)
    ambient: list[str] = msgspec.field(default_factory=list)


class POSIXRlimit(_Wire):
    """A resource limit in the kernel's units; 2**64 - 1 is unlimited."""

    type: str
    hard: int
    soft: int


class Process(_Wire):
    """The container's process."""

    user: User
    cwd: str
    terminal: bool = False
    console_size: Box | None = None
    args: list[str] = msgspec.field(default_factory=list)
    env: list[str] = msgspec.field(default_factory=list)
    capabilities: LinuxCapabilities | None = None
    rlimits: list[POSIXRlimit] = msgspec.field(default_factory=list)
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    oom_score_adj: int | None = None


class Root(_Wire):
    """The root filesystem, mounted on the host."""

    path: str
    readonly: bool = False


class Mount(_Wire):
    """A mount made inside the container, with fstab's options."""

    destination: str
    type: str = ""
    source: str = ""
    options: list[str] = msgspec.field(default_factory=list)


class LinuxNamespace(_Wire):
    """A namespace: new, or the one at `path`."""

    type: str
    path: str = ""


class LinuxDevice(_Wire):
    """A device node to make in the container. `file_mode` holds permission bits."""

    path: str
    type: str
    major: int
    minor: int
    file_mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class LinuxDeviceCgroup(_Wire):
    """A rule of the devices cgroup; an absent or negative number means any."""

    allow: bool
    type: str = ""
    major: int | None = None
    minor: int | None = None
    access: str = ""


class LinuxWeightDevice(_Wire):
    """Block IO weight of one device."""

    major: int
    minor: int
    weight: int | None = None


class LinuxThrottleDevice(_Wire):
    """Block IO limit of one device, bytes or operations per second."""

    major: int
    minor: int
    rate: int


class LinuxBlockIO(_Wire):
    """Block IO limits."""

    weight: int | None = None
    weight_device: list[LinuxWeightDevice] = msgspec.field(default_factory=list)
    throttle_read_bps_device: list[LinuxThrottleDevice] = msgspec.field(default_factory=list)
    throttle_write_bps_device: list[LinuxThrottleDevice] = msgspec.field(default_factory=list)
    throttle_read_iops_device: list[LinuxThrottleDevice] = msgspec.field(
        default_factory=list, name="throttleReadIOPSDevice"
    )
    throttle_write_iops_device: list[LinuxThrottleDevice] = msgspec.field(
        default_factory=list, name="throttleWriteIOPSDevice"
    )


class LinuxMemory(_Wire):
    """Memory limits in bytes; `swap` is memory and swap together."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel: int | None = None
    kernel_tcp: int | None = msgspec.field(default=None, name="kernelTCP")
    swappiness: int | None = None
    disable_oom_killer: bool | None = msgspec.field(default=None, name="disableOOMKiller")


class LinuxCPU(_Wire):
    """CPU shares, quota and period (microseconds), and the sets of CPUs and memory nodes."""

    shares: int | None = None
    quota: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""


class LinuxPids(_Wire):
    """The largest number of tasks; -1 lifts the limit."""

    limit: int


class LinuxResources(_Wire):
    """What the container's cgroup allows."""

    devices: list[LinuxDeviceCgroup] = msgspec.field(default_factory=list)
    memory: LinuxMemory | None = None
    cpu: LinuxCPU | None = None
    pids: LinuxPids | None = None
    block_io: LinuxBlockIO | None = msgspec.field(default=None, name="blockIO")


class LinuxSeccompArg(_Frozen, frozen=True):
    """A condition on one of a system call's arguments."""

    index: int
    value: int
    op: str
    value_two: int = 0


class LinuxSyscall(_Frozen, frozen=True):
    """What to do on these system calls, when all conditions in `args` hold."""

    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[LinuxSeccompArg, ...] = ()


class LinuxSeccomp(_Frozen, frozen=True):
    """A seccomp filter. Immutable: the default ones are resolved once and shared by containers."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[LinuxSyscall, ...] = ()


class Linux(_Wire):
    """What only Linux has."""

    sysctl: dict[str, str] = msgspec.field(default_factory=dict)
    resources: LinuxResources = msgspec.field(default_factory=LinuxResources)
    cgroups_path: str = ""
    namespaces: list[LinuxNamespace] = msgspec.field(default_factory=list)
    devices: list[LinuxDevice] = msgspec.field(default_factory=list)
    seccomp: LinuxSeccomp | None = None
    rootfs_propagation: str = ""
    masked_paths: list[str] = msgspec.field(default_factory=list)
    readonly_paths: list[str] = msgspec.field(default_factory=list)


class Spec(_Wire):
    """config.json."""

    oci_version: str
    process: Process
    root: Root
    linux: Linux
    hostname: str = ""
    mounts: list[Mount] = msgspec.field(default_factory=list)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
