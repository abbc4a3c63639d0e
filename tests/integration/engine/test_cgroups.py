"""A container's cgroups, of version 1 or 2, as the kernel and the Engine API show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.process import Process, cgroup_mounts
from tests.support.subject import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.subject import Subject

pytestmark = pytest.mark.root

VERSION: Final = 2 if set(cgroup_mounts()) == {""} else 1
MIB: Final = 1 << 20

only_v2 = pytest.mark.skipif(VERSION != 2, reason="of cgroups of version 2")

LIMITS: Final = {
    "Memory": 48 * MIB,
    "MemoryReservation": 32 * MIB,
    "MemorySwap": 64 * MIB,
    "NanoCpus": 500_000_000,
    "CpuShares": 512,
    "CpusetCpus": "0",
    "CpusetMems": "0",
    "PidsLimit": 30,
}
IN_FORCE: Final = {
    1: {
        "memory.limit_in_bytes": str(48 * MIB),
        "memory.soft_limit_in_bytes": str(32 * MIB),
        "memory.memsw.limit_in_bytes": str(64 * MIB),
        "cpu.cfs_quota_us": "50000",
        "cpu.cfs_period_us": "100000",
        "cpu.shares": "512",
        "cpuset.cpus": "0",
        "cpuset.mems": "0",
        "pids.max": "30",
    },
    2: {
        "memory.max": str(48 * MIB),
        "memory.low": str(32 * MIB),
        "memory.swap.max": str(16 * MIB),  # of swap alone: the API's is of both
        "cpu.max": "50000 100000",
        "cpuset.cpus": "0",
        "cpuset.mems": "0",
        "pids.max": "30",
    },
}[VERSION]

CHANGES: Final = {
    "Memory": 40 * MIB,
    "MemoryReservation": 24 * MIB,
    "MemorySwap": 40 * MIB,
    "NanoCpus": 250_000_000,
    "CpuShares": 256,
    "PidsLimit": -1,
}
CHANGED: Final = {
    1: {
        "memory.limit_in_bytes": str(40 * MIB),
        "memory.soft_limit_in_bytes": str(24 * MIB),
        "memory.memsw.limit_in_bytes": str(40 * MIB),
        "cpu.cfs_quota_us": "25000",
        "cpu.shares": "256",
        "cpuset.cpus": "0",
        "pids.max": "max",
    },
    2: {
        "memory.max": str(40 * MIB),
        "memory.low": str(24 * MIB),
        "memory.swap.max": "0",
        "cpu.max": "25000 100000",
        "cpuset.cpus": "0",
        "pids.max": "max",
    },
}[VERSION]

# What moby's statsV2 takes of memory.stat; version 1 has other names, and tells the hierarchy's.
MEMORY_OF_V2: Final = set(
    """
    active_anon active_file anon anon_thp file file_dirty file_mapped file_writeback inactive_anon
    inactive_file kernel_stack pgactivate pgdeactivate pgfault pglazyfree pglazyfreed pgmajfault
    pgrefill pgscan pgsteal shmem slab slab_reclaimable slab_unreclaimable sock thp_collapse_alloc
    thp_fault_alloc unevictable workingset_activate workingset_nodereclaim workingset_refault
    """.split()
)


def started(subject: Subject, **host: Any) -> None:
    """A container that stays."""
    subject.create("sleep", "1000", host=host)
    assert subject.start().status == 204


def file_of(subject: Subject, name: str) -> Path | None:
    """The file of that name of the controller that has it."""
    process = Process.read(subject.state()["Pid"])
    assert process is not None
    found = (folder / name for folder in process.cgroups())
    return next((path for path in found if path.exists()), None)


def values(subject: Subject, names: Any) -> dict[str, str]:
    """What the kernel has in its files, of those that this kernel has."""
    files = {name: file_of(subject, name) for name in names}
    return {name: file.read_text().strip() for name, file in files.items() if file is not None}


def test_limits_of_a_container(subject: Subject) -> None:
    """Given at its creation, changed while it runs, and seen by those who look at what it uses."""
    started(subject, **LIMITS)
    found = values(subject, IN_FORCE)
    assert found == {name: IN_FORCE[name] for name in found}
    # Not every kernel of version 1 accounts for swap.
    assert IN_FORCE.keys() - found.keys() <= {"memory.memsw.limit_in_bytes"}
    weight = values(subject, ["cpu.weight"])
    assert weight in ([{"cpu.weight": "20"}, {"cpu.weight": "59"}] if VERSION == 2 else [{}])
    line = "{{.MemUsage}}|{{.PIDs}}"
    usage, pids = subject.docker("stats", "--no-stream", "--format", line, "box").stdout.split("|")
    assert (usage.split(" / ")[1], pids.strip()) == ("48MiB", "1")

    answer = subject.api("POST", "/containers/box/update", CHANGES)
    assert (answer.status, answer.json()) == (200, {"Warnings": None})
    found = values(subject, CHANGED)
    assert found == {name: CHANGED[name] for name in found}
    stats = subject.api("GET", "/containers/box/stats?stream=0&one-shot=1").json()
    assert stats["memory_stats"]["limit"] == 40 * MIB


def test_what_exec_adds_is_in_the_same_cgroup(subject: Subject) -> None:
    started(subject, NetworkMode="none")
    file = file_of(subject, "cgroup.procs")
    assert file is not None
    assert len(file.read_text().split()) == 1
    assert subject.docker("exec", "--detach", "box", "sleep", "999").returncode == 0
    assert eventually(lambda: len(file.read_text().split()) == 2)


def test_figures_of_a_container_without_limits(subject: Subject) -> None:
    started(subject, NetworkMode="none")
    stats = subject.api("GET", "/containers/box/stats?stream=0").json()
    assert stats["memory_stats"]["limit"] == subject.api("GET", "/info").json()["MemTotal"]
    assert stats["memory_stats"]["usage"] > 0
    assert stats["pids_stats"]["current"] == 1
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert stats["cpu_stats"]["system_cpu_usage"] > stats["precpu_stats"]["system_cpu_usage"]
    if VERSION == 1:
        assert len(stats["cpu_stats"]["cpu_usage"]["percpu_usage"]) > 0
        assert "total_inactive_file" in stats["memory_stats"]["stats"]
    else:
        assert "percpu_usage" not in stats["cpu_stats"]["cpu_usage"]
        assert stats["memory_stats"].keys() == {"usage", "stats", "limit"}
        assert stats["memory_stats"]["stats"].keys() == MEMORY_OF_V2
        others = stats["blkio_stats"].keys() - {"io_service_bytes_recursive"}
        assert {name: stats["blkio_stats"][name] for name in others} == dict.fromkeys(others)


@pytest.mark.parametrize("mode", ["", "host", "private"])
def test_cgroup_namespaces(subject: Subject, mode: str) -> None:
    subject.create("cat", "/proc/self/cgroup", host={"CgroupnsMode": mode, "NetworkMode": "none"})
    default = "private" if VERSION == 2 else "host"
    assert subject.inspect()["HostConfig"]["CgroupnsMode"] == (mode or default)
    subject.start()
    subject.wait()
    paths = {line.split(":", 2)[2] for line in subject.logs().splitlines()}
    if (mode or default) == "private":
        assert paths == {"/"}
    else:
        assert any(path.endswith(f"/{subject.identity()}") for path in paths)


def test_a_parent(subject: Subject) -> None:
    """Below the engine's own one, so that it goes with that."""
    parent = f"/{subject.daemon.workspace.path.name}/deep/down"
    started(subject, CgroupParent=parent, NetworkMode="none")
    file = file_of(subject, "pids.max")
    assert file is not None
    assert str(file.parent).endswith(f"{parent}/{subject.identity()}")


def test_a_paused_container_is_frozen(subject: Subject) -> None:
    started(subject, NetworkMode="none")
    name, frozen, thawed = {
        1: ("freezer.state", "FROZEN", "THAWED"),
        2: ("cgroup.events", "frozen 1", "frozen 0"),
    }[VERSION]
    file = file_of(subject, name)
    assert file is not None
    assert thawed in file.read_text()
    assert subject.api("POST", "/containers/box/pause").status == 204
    assert frozen in file.read_text()
    assert subject.state()["Status"] == "paused"
    assert subject.api("POST", "/containers/box/unpause").status == 204
    assert thawed in file.read_text()


def test_weights_of_block_devices(subject: Subject) -> None:
    """Where the kernel has them; elsewhere they are dropped with a warning, as dockerd does."""
    body = {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {"BlkioWeight": 300}}
    body["HostConfig"]["NetworkMode"] = "none"
    created = subject.api("POST", "/containers/create?name=box", body).json()
    assert subject.start().status == 204
    found = values(subject, ["blkio.weight", "blkio.bfq.weight", "io.bfq.weight", "io.weight"])
    kept = subject.inspect()["HostConfig"]["BlkioWeight"]
    assert (kept, bool(created["Warnings"])) in ((300, False), (0, True))
    if kept and found:
        # of io.weight the least is 1 and the most 10000, where the API has 10 to 1000
        assert {"300", "default 300", "default 2930"} & set(found.values())


def test_devices_are_denied_or_allowed(subject: Subject) -> None:
    """By rules of version 1, by a program in the kernel of version 2."""
    script = ["sh", "-c", "mknod /tmp/it b 7 0; head -c 1 /tmp/it"]
    subject.create(*script, name="denied", host={"NetworkMode": "none"})
    rules = {"DeviceCgroupRules": ["b 7:* rwm"], "NetworkMode": "none"}
    subject.create(*script, name="allowed", host=rules)
    for name in ("denied", "allowed"):
        assert subject.start(name).status == 204
        subject.wait(name)
    assert "Operation not permitted" in subject.logs("denied")
    assert "Operation not permitted" not in subject.logs("allowed")


def test_the_version_is_told(subject: Subject) -> None:
    info = subject.api("GET", "/info").json()
    assert info["CgroupVersion"] == str(VERSION)
    assert ("name=cgroupns" in info["SecurityOptions"]) is (VERSION == 2)
    assert info["MemoryLimit"]
    assert info["PidsLimit"]
    assert info["CPUSet"]
    assert info["CpuCfsQuota"]


@only_v2
def test_what_version_2_does_not_have(subject: Subject) -> None:
    wanted = {"OomKillDisable": True, "MemorySwappiness": 10, "Memory": 32 * MIB}
    body = {"Image": "busybox", "HostConfig": wanted}
    created = subject.api("POST", "/containers/create?name=box", body).json()
    assert created["Warnings"] == [
        "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted."
        " Memory swappiness discarded.",
        "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    ]
    settings = subject.inspect()["HostConfig"]
    assert (settings["OomKillDisable"], settings["MemorySwappiness"]) == (False, None)


def test_the_cgroup_goes_with_the_run(subject: Subject) -> None:
    started(subject, NetworkMode="none")
    file = file_of(subject, "cgroup.procs")
    assert file is not None
    subject.docker("rm", "-f", "box")
    assert eventually(lambda: not file.exists())
