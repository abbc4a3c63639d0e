"""Bodies that come further than random ones, and that do not reach out of the test.

The engine is root, and what it is asked to do it does: bind any directory of the host's, make any
cgroup. So whatever names a place of the host's is brought below a scratch directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

    from tests.faults.fuzzing.seeds import Seeds

_SECOND: Final = 10**9
_PLAUSIBLE: Final[dict[str, tuple[Any, ...]]] = {
    "Binds": (["seed-volume:/data"], ["/h:/c:ro"], ["v:/v:z,nocopy"], ["a:b:c:d"], [":"], [""]),
    "BlkioWeight": (10, 1000, 5),
    "Cgroup": ("",),
    "CgroupnsMode": ("", "host", "private", "x"),
    "CapAdd": (["ALL"], ["NET_ADMIN"], ["cap_chown"], ["nope"]),
    "ConsoleSize": ([24, 80], [0, 0], [2**31, 2**32]),
    "CpuPeriod": (0, 100000, 1),
    "CpuQuota": (0, 50000, -1),
    "CpusetCpus": ("", "0", "0-1", "99", "0-", ","),
    "CpusetMems": ("", "0", "1-0"),
    "Devices": ([], [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x"}]),
    "DeviceCgroupRules": (["c 1:3 rwm"], ["x"], ["a *:* rwm"]),
    "Dns": (["1.1.1.1"], ["x"], ["::1"]),
    "Driver": ("", "bridge", "local", "macvlan", "ipvlan", "none", "host", "nope"),
    "Env": (["A=B"], ["A"], ["=x"], ["A=\n"], [""]),
    "ExposedPorts": ({"80/tcp": {}}, {"1-5/udp": {}}, {"x": {}}, {"99999/tcp": {}}),
    "ExtraHosts": (["a:1.2.3.4"], ["a:host-gateway"], ["a"]),
    "Healthcheck": (
        {"Test": ["CMD", "true"], "Interval": _SECOND},
        {"Test": ["CMD-SHELL", "exit 1"], "Interval": _SECOND, "Retries": 1},
        {"Test": ["NONE"]},
        {"Test": ["X"], "Interval": 1},
    ),
    "Hostname": ("h", "", "a b", "x" * 64),
    "Interval": (0, _SECOND, 1),
    "IpcMode": ("", "private", "host", "shareable", "none", "container:seed-sh", "container:"),
    "Isolation": ("", "default", "hyperv"),
    "Links": (["seed-sh:x"], ["nope"], ["seed-sh"]),
    "MacAddress": ("", "02:42:ac:11:00:02", "x"),
    "MaskedPaths": (None, [], ["/proc/x"]),
    "Memory": (0, 1 << 26, 1, -1),
    "MemorySwap": (0, -1, 1 << 27),
    "Mounts": (
        [{"Type": "volume", "Source": "seed-volume", "Target": "/m"}],
        [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 4096}}],
        [{"Type": "bind", "Source": "/h", "Target": "/b"}],
        [{"Type": "image", "Source": "busybox", "Target": "/i"}],
        [{"Type": "npipe", "Target": "x"}],
    ),
    "NanoCpus": (0, 5 * 10**8, 10**12, -1),
    "NetworkMode": ("bridge", "none", "host", "seed-net", "container:seed-sh", "container:x", "x"),
    "OomScoreAdj": (0, 500, -1000, 1001),
    "PathOnHost": ("/dev/null", "/dev/zero"),
    "PidMode": ("", "host", "container:seed-sh", "x"),
    "PidsLimit": (None, 0, 100, -1, 1),
    "PortBindings": (
        {"80/tcp": [{"HostPort": ""}]},
        {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080-18090"}]},
        {"80/tcp": [{"HostIp": "x", "HostPort": "y"}]},
        {"0/x": None},
    ),
    "Propagation": ("rprivate", "rshared", "x"),
    "ReadonlyPaths": (None, [], ["/proc/x"]),
    "RestartPolicy": (
        {"Name": "no"},
        {"Name": "on-failure", "MaximumRetryCount": 2},
        {"Name": "always"},
        {"Name": "always", "MaximumRetryCount": 1},
        {"Name": "x"},
    ),
    "Runtime": ("", "runc", "io.containerd.runc.v2", "nope"),
    "SecurityOpt": (["no-new-privileges"], ["seccomp=unconfined"], ["seccomp={"], ["x"], ["label"]),
    "ShmSize": (0, 1 << 20, -1),
    "StopSignal": ("", "SIGTERM", "9", "x"),
    "StopTimeout": (None, 0, 1),
    "StorageOpt": (None, {"size": "1G"}),
    "Subnet": ("10.99.1.0/24", "10.99.1.0/33", "fd00::/64", "x", "10.99.2.0/31"),
    "Gateway": ("", "10.99.1.1", "10.0.0.1", "x"),
    "IPRange": ("", "10.99.1.128/25", "x"),
    "IPv4Address": ("", "10.99.1.9", "x"),
    "Sysctls": ({"net.ipv4.ip_forward": "1"}, {"kernel.shm_rmid_forced": "1"}, {"x": "y"}),
    "Tmpfs": ({"/run": ""}, {"/t": "size=4k,mode=1777"}, {"t": "x=y"}),
    "Ulimits": ([{"Name": "nofile", "Soft": 64, "Hard": 128}], [{"Name": "x"}]),
    "UTSMode": ("", "host", "x"),
    "User": ("", "root", "1:1", "nobody", "x:y", "-1", "99999999999"),
    "UsernsMode": ("", "host", "x"),
    "VolumesFrom": (["seed-sh:ro"], ["x"], ["seed-sh:x"]),
    "Volumes": ({"/data": {}}, {"/a:/b": {}}, {"x": {}}),
    "WorkingDir": ("", "/tmp", "/a/b/c", "x"),
    "LogConfig": (
        {"Type": "json-file", "Config": {"max-size": "10k", "max-file": "2"}},
        {"Type": "local"},
        {"Type": "none"},
        {"Type": "json-file", "Config": {"max-size": "-1", "x": "y"}},
        {"Type": "syslog", "Config": {"syslog-address": "udp://127.0.0.1:9"}},
        {"Type": "nope"},
    ),
}
_COMMANDS: Final = (
    *(["true"], ["sleep", "1"], ["sh", "-c", "echo hi; sleep 1"], ["cat"], ["nope"], [""], "ls"),
    *(["sh", "-c", "head -c 200000 /dev/zero"], ["sh", "-c", "exit 7"], ["/etc/passwd"], []),
)


def season(value: Any, seeds: Seeds, dice: random.Random) -> Any:
    """Put plausible values in the place of most of the random ones."""
    if not isinstance(value, dict):
        return value
    if "Hostname" in value or "Domainname" in value:
        value = _fewer_members(value, dice)
    seasoned = {key: season(item, seeds, dice) for key, item in value.items()}
    for key in seasoned:
        if key in _PLAUSIBLE and dice.random() < 0.75:
            seasoned[key] = dice.choice(_PLAUSIBLE[key])
        elif key == "Image" and dice.random() < 0.95:
            seasoned[key] = "busybox"
        elif key in ("Cmd", "Shell", "Test") and dice.random() < 0.9:
            seasoned[key] = dice.choice(_COMMANDS)
        elif key == "Entrypoint" and dice.random() < 0.9:
            seasoned[key] = dice.choice([None, [], ["sh", "-c"], ""])
        elif key == "Container":
            seasoned[key] = seeds.pick("containers", dice)
        elif key in ("DriverOpts", "Options", "Labels", "Annotations") and dice.random() < 0.6:
            seasoned[key] = dice.choice([None, {}, {"a": "b"}, {"type": "tmpfs", "device": "x"}])
        elif key == "HostConfig":
            seasoned[key] = _fewer(seasoned[key], dice)
    return seasoned


def _fewer_members(config: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A container that can be: an image, a command, and a few of the other settings."""
    kept = dice.sample(sorted(config), min(len(config), dice.choice([0, 1, 2, 4])))
    needed = {"Image": "busybox", "Cmd": None, "HostConfig": {"Init": False}}
    return needed | {key: config[key] for key in kept}


def _fewer(host: Any, dice: random.Random) -> Any:
    """A few settings at a time: of many one is always wrong."""
    if not isinstance(host, dict) or not host:
        return host
    kept = dice.sample(sorted(host), min(len(host), dice.choice([0, 1, 2, 3, 5])))
    added = dice.sample(sorted(_PLAUSIBLE), dice.choice([0, 1, 2, 3]))
    settings = {key: dice.choice(_PLAUSIBLE[key]) for key in added}
    return settings | {key: host[key] for key in kept}


def tame(value: Any, scratch: str) -> Any:
    """Bring what names a place of the host's below `scratch`, and let nothing run too often."""
    if isinstance(value, list):
        return [tame(item, scratch) for item in value]
    if not isinstance(value, dict):
        return value
    tamed = {key: tame(item, scratch) for key, item in value.items()}
    for key, item in tamed.items():
        match key.lower():
            case "binds" if isinstance(item, list):
                tamed[key] = [_below(each, scratch) for each in item]
            case "source" | "device":
                tamed[key] = _below(item, scratch)
            case "cgroupparent":
                tamed[key] = ""
            case "interval" | "startinterval" if isinstance(item, int) and 10**6 <= item < 10**9:
                tamed[key] = _SECOND
            case _:
                pass
    return tamed


def _below(place: Any, scratch: str) -> Any:
    if isinstance(place, str) and place.startswith("/"):
        return scratch + place.replace("..", "__")
    return place
