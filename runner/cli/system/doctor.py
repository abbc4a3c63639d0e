"""`doctor`: whether this host has what runner needs, and how to mend what is missing.

Each check looks at one thing and tells what it found, a line each: `ok`, `warn` for what only some
containers miss, `fail` for what none can do without. Nothing on the host is changed.
"""

from __future__ import annotations

import os
import re
import socket

from runner.cli.context import say
from runner.cli.system.machine import Machine
from runner.client import system
from runner.client.address import DEFAULT_HOST
from runner.client.client import EngineClient
from runner.client.errors import ConnectionFailed
from runner.client.units import bytes_size
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.cli.context import Context
    from runner.cli.declarations.system import DoctorOptions

    Finding = tuple[str, str, str]
    """Level, what was found, and how to mend it; the last is empty where all is well."""

OK, WARN, FAIL = "ok", "warn", "fail"

_OLDEST_KERNEL = (5, 6)  # openat2(2), by which paths in images are resolved
_RECURSIVE_KERNEL = (5, 12)  # mount_setattr(2)
_OLDEST_CONTAINERD = (1, 6)
_MENDED_RUNC = (1, 1, 12)
_NAMESPACES = ("mnt", "pid", "net", "uts", "ipc")
_CONTROLLERS = ("memory", "cpu", "cpuset", "pids")
_SOCKETS = ("/run/containerd/containerd.sock", "/run/docker/containerd/containerd.sock")
_INITS = ("docker-init", "tini-static", "tini", "catatonit")
_CNI_FOLDERS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
_FEW_BYTES = 100 << 20
_SOME_BYTES = 2 << 30
_CONNECT_SECONDS = 10


def run(context: Context, options: DoctorOptions) -> int:
    """Check everything; the exit code is 1 when something is missing that is needed."""
    levels = []
    for level, text, remedy in findings(Machine(), context, options):
        levels.append(level)
        say(f"{level:<4}  {text}")
        if remedy:
            say(f"      {remedy}")
    missing, warnings = levels.count(FAIL), levels.count(WARN)
    say("")
    if missing:
        say(f"{missing} of these must be mended before containers can run")
    else:
        say("containers can run here" + (f"; warnings: {warnings}" if warnings else ""))
    return 1 if missing else 0


def findings(machine: Machine, context: Context, options: DoctorOptions) -> Iterator[Finding]:
    """What every check found, in the order in which it is best mended."""
    yield from check_user(os.geteuid())
    yield from check_kernel(machine)
    yield from check_cgroups(machine)
    yield from check_overlay(machine, options.data_root)
    yield from check_iptables(machine)
    yield from check_forwarding(machine)
    yield from check_bridge_netfilter(machine)
    yield from check_containerd(machine, options.containerd or "")
    yield from check_runtime(machine)
    yield from check_init(machine)
    yield from check_cni(machine)
    yield from check_disk(machine, options.data_root)
    yield from check_engine(context)


def check_user(user: int) -> Iterator[Finding]:
    """Whether the rest can be looked at at all."""
    if user == 0:
        yield OK, "run by root", ""
    else:
        yield WARN, "not run by root: mounts and firewall are not tried", "run it with sudo"


def check_kernel(machine: Machine) -> Iterator[Finding]:
    """Its version, namespaces and seccomp."""
    release = machine.read("/proc/sys/kernel/osrelease").strip()
    version = _version(release)
    if version < _OLDEST_KERNEL:
        yield FAIL, f"kernel {release} is too old", "runner needs Linux 5.6 or newer"
    elif version < _RECURSIVE_KERNEL:
        text = f"kernel {release}: read-only mounts do not hold for what is mounted below them"
        yield WARN, text, "that came with Linux 5.12"
    else:
        yield OK, f"kernel {release}", ""
    missing = [name for name in _NAMESPACES if not machine.exists(f"/proc/self/ns/{name}")]
    if missing:
        text = f"the kernel has no namespaces of these kinds: {', '.join(missing)}"
        yield FAIL, text, "use a kernel with CONFIG_NAMESPACES and all kinds of them"
    else:
        yield OK, "namespaces", ""
    if machine.exists("/proc/sys/kernel/seccomp/actions_avail"):
        yield OK, "seccomp", ""
    else:
        text = "the kernel has no seccomp filters: containers may call whatever they like"
        yield WARN, text, "use a kernel with CONFIG_SECCOMP_FILTER"


def check_cgroups(machine: Machine) -> Iterator[Finding]:
    """The version, and whether the controllers of limits that users set are there."""
    if machine.exists("/sys/fs/cgroup/cgroup.controllers"):
        version, there = 2, machine.read("/sys/fs/cgroup/cgroup.controllers").split()
    else:
        version, there = 1, _version_1_controllers(machine)
    if not there:
        remedy = "mount them: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
        yield FAIL, "no cgroups are mounted", remedy
        return
    missing = [name for name in _CONTROLLERS if name not in there]
    if missing:
        text = f"cgroup version {version} without {', '.join(missing)}: such limits are discarded"
        remedy = "enable the controllers, for instance by the kernel's cgroup_enable=memory"
        yield WARN, text, remedy
    else:
        yield OK, f"cgroup version {version} with {' '.join(sorted(there))}", ""


def _version_1_controllers(machine: Machine) -> list[str]:
    """Those that are mounted, by the options of the mounts (proc_pid_mountinfo(5))."""
    found: list[str] = []
    for line in machine.read("/proc/self/mountinfo").splitlines():
        kind, _, rest = line.partition(" - ")[2].partition(" ")
        if kind == "cgroup":
            found += [option for option in rest.split(" ")[-1].split(",") if option != "rw"]
    return found


def check_overlay(
    machine: Machine, data_root: str, mount: Callable[[str], None] | None = None
) -> Iterator[Finding]:
    """Whether an image's layers can be mounted where the data is; tried, as far as one may."""
    folder = machine.nearest(data_root)
    if mount is None and os.geteuid() != 0:
        known = "overlay" in machine.read("/proc/filesystems")
        yield (
            (OK, "overlayfs is known; not tried", "")
            if known
            else (
                WARN,
                "overlayfs is not loaded",
                "modprobe overlay",
            )
        )
        return
    try:
        (mount or _try_overlay)(folder)
    except OSError as err:
        text = f"overlayfs cannot be mounted in {folder}: {(err.strerror or str(err)).lower()}"
        yield (
            WARN,
            text,
            (
                "modprobe overlay; or put --data-root on another file system (in a container: on a "
                "volume); otherwise images are copied for each container (snapshotter native)"
            ),
        )
    else:
        yield OK, f"overlayfs can be mounted in {folder}", ""


def _try_overlay(folder: str) -> None:
    """Mount an overlay in a new folder of `folder`, and take everything away. Raises OSError."""
    import ctypes
    import shutil
    import tempfile

    libc = ctypes.CDLL(None, use_errno=True)
    scratch = tempfile.mkdtemp(prefix=".runner-doctor-", dir=folder)
    try:
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{scratch}/{name}")  # noqa: PTH102 - cheap import
        names = (f"{name}dir={scratch}/{name}" for name in ("lower", "upper", "work"))
        options, target = ",".join(names).encode(), f"{scratch}/merged".encode()
        if libc.mount(b"overlay", target, b"overlay", ctypes.c_ulong(0), options) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        libc.umount2(target, 0)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_iptables(machine: Machine) -> Iterator[Finding]:
    """Published ports and the way out of a bridge are its rules."""
    if not (machine.find("iptables") and machine.find("iptables-restore")):
        yield FAIL, "iptables is not installed", "apt-get install iptables"
        return
    _, answer = machine.ask("iptables", "--version")
    flavour = answer.removeprefix("iptables ").splitlines()[0] if answer else "of unknown version"
    code, complaint = machine.ask("iptables-save", "-t", "nat") if os.geteuid() == 0 else (0, "")
    if code:
        reason = complaint.splitlines()[-1] if complaint else f"iptables-save ended with {code}"
        remedy = "modprobe iptable_nat, or choose the other: update-alternatives --config iptables"
        yield FAIL, f"iptables {flavour} does not work: {reason}", remedy
    else:
        yield OK, f"iptables {flavour}", ""


def check_forwarding(machine: Machine) -> Iterator[Finding]:
    """The engine turns it on at its start, if it may."""
    setting = "/proc/sys/net/ipv4/ip_forward"
    if machine.read(setting).strip() == "1":
        yield OK, "IPv4 forwarding", ""
    elif os.access(machine.root + setting, os.W_OK):
        yield OK, "IPv4 forwarding is off; the engine turns it on when it starts", ""
    else:
        text = "IPv4 forwarding is off: containers cannot reach anything beyond this host"
        yield WARN, text, "sysctl -w net.ipv4.ip_forward=1"


def check_bridge_netfilter(machine: Machine) -> Iterator[Finding]:
    """Only with it does iptables see what goes from one port of a bridge to another."""
    if machine.exists("/proc/sys/net/bridge/bridge-nf-call-iptables"):
        yield OK, "br_netfilter", ""
    else:
        text = "br_netfilter is not loaded: firewall rules do not apply between containers"
        yield WARN, text, "modprobe br_netfilter"


def check_containerd(machine: Machine, address: str) -> Iterator[Finding]:
    """One that serves, or a program that the engine can start."""
    answer = machine.ask("containerd", "--version")[1] if machine.find("containerd") else ""
    version = _containerd_version(answer)
    sockets = (address.removeprefix("unix://"),) if address else _SOCKETS
    serving = [path for path in sockets if _connects(machine.root + path)]
    if version and _version(version) < _OLDEST_CONTAINERD:
        yield FAIL, f"containerd {version} is too old", "runner needs containerd 1.6 or newer"
    elif serving:
        about = f" (the program on PATH is {version})" if version else ""
        yield OK, f"containerd serves at {serving[0]}{about}", ""
    elif address:
        remedy = "start it, for instance with systemctl start containerd"
        yield FAIL, f"no containerd answers at {address}", remedy
    elif answer:
        yield OK, f"containerd {version} does not run; the engine starts one of its own", ""
    else:
        yield FAIL, "there is no containerd", "apt-get install containerd"


def _containerd_version(answer: str) -> str:
    """The third word of `containerd github.com/containerd/containerd 1.7.27 REVISION`."""
    words = answer.split()
    return words[2].removeprefix("v") if len(words) > 2 else ""


def _connects(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_CONNECT_SECONDS)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def check_runtime(machine: Machine) -> Iterator[Finding]:
    """runc, and containerd's shim for it."""
    if not machine.find("runc"):
        yield FAIL, "there is no runc", "apt-get install runc"
    else:
        _, answer = machine.ask("runc", "--version")
        yield _judged_runc(answer.splitlines()[0] if answer else "runc")
    if machine.find("containerd-shim-runc-v2"):
        yield OK, "containerd-shim-runc-v2", ""
    else:
        text = "containerd-shim-runc-v2 is not on PATH: containerd must find it elsewhere"
        yield WARN, text, "it comes with containerd: apt-get install containerd"


def _judged_runc(said: str) -> Finding:
    """The versions that let a container out by its working directory (CVE-2024-21626). Those that
    a distribution has put its name to are taken for mended: Debian's 1.1.5+ds1 is."""
    published = re.fullmatch(r"runc version (\d+)\.(\d+)\.(\d+)(?:-rc\S*)?", said)
    if published and tuple(map(int, published.groups())) < _MENDED_RUNC:
        remedy = "use runc 1.1.12 or newer, or see that your distribution has mended this one"
        return WARN, f"{said}: containers can break out (CVE-2024-21626)", remedy
    return OK, said, ""


def check_init(machine: Machine) -> Iterator[Finding]:
    """What `--init` puts before a container's process."""
    found = [path for path in map(machine.find, _INITS) if path]
    if found:
        yield OK, f"{found[0]} for --init", ""
    else:
        yield WARN, "there is no init for --init", "apt-get install tini"


def check_cni(machine: Machine) -> Iterator[Finding]:
    """runner's own networks need no plugins; the host may have configured others."""
    plugins = [folder for folder in _CNI_FOLDERS if machine.entries(folder)]
    configured = [
        name
        for name in machine.entries("/etc/cni/net.d")
        if name.endswith((".conf", ".conflist", ".json"))
    ]
    if plugins:
        yield OK, f"CNI plugins in {plugins[0]}, {len(configured)} CNI networks", ""
    elif configured:
        text = f"{len(configured)} CNI networks are configured, without plugins"
        yield WARN, text, "apt-get install containernetworking-plugins"
    else:
        yield OK, "no CNI plugins, and no CNI networks that would need them", ""


def check_disk(machine: Machine, data_root: str) -> Iterator[Finding]:
    """Room for images where the data is."""
    folder = machine.nearest(data_root)
    filesystem = os.statvfs(folder)
    free = filesystem.f_bavail * filesystem.f_frsize
    text = f"{bytes_size(free)} free in {folder}"
    if free < _FEW_BYTES:
        yield FAIL, text, "make room, or put --data-root elsewhere"
    elif free < _SOME_BYTES:
        yield WARN, text, "images soon take more"
    else:
        yield OK, text, ""


def check_engine(context: Context) -> Iterator[Finding]:
    """Whether one answers, and what it says of its host. None is started."""
    host = context.host or DEFAULT_HOST
    client = EngineClient(host, tls=context.tls)
    try:
        version, info = system.version(client), system.info(client)
    except ConnectionFailed:
        if context.host:
            yield FAIL, f"no engine answers at {host}", "start it: runner serve"
        else:
            yield OK, "no engine runs; the first command starts it", ""
        return
    except RunnerError as err:
        yield FAIL, f"the engine at {host} does not answer as it should: {err}", "see its log"
        return
    platform = (version.get("Platform") or {}).get("Name") or "engine"
    yield OK, f"{platform} {version['Version']} answers at {host}", ""
    for warning in info.get("Warnings") or ():
        yield WARN, f"the engine: {warning.removeprefix('WARNING: ')}", ""


def _version(text: str) -> tuple[int, int]:
    """The first two numbers of `6.1.0-13-amd64`; zeros for what are none."""
    numbers = []
    for part in text.split(".")[:2]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)
