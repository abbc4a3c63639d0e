"""What a kernel can do, read from machines that are made for the test."""

from pathlib import Path

import pytest

from runner.engine.sysinfo import SysInfo, read_sysinfo
from runner.oci.host import Host

MISSING_V2 = [f"Unable to find {name} controller" for name in ("memory", "cpu", "io")]


def host(cgroup_version: int, driver: str = "cgroupfs") -> Host:
    return Host(
        cgroup_version=cgroup_version,
        cgroup_driver=driver,
        kernel_release="6.1",
        architecture="amd64",
        capabilities=("CAP_CHOWN",),
        apparmor=False,
        seccomp=True,
    )


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def mountinfo(*controllers: str) -> str:
    return "\n".join(
        f"{number} 1 0:{number} / /sys/fs/cgroup/{names} rw - cgroup cgroup rw,{names}"
        for number, names in enumerate(controllers, start=30)
    )


def test_version_1(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/mountinfo": mountinfo("cpu,cpuacct", "memory", "cpuset", "pids", "devices"),
            "proc/self/ns/cgroup": "",
            "proc/sys/net/ipv4/ip_forward": "1\n",
            "sys/fs/cgroup/memory/memory.soft_limit_in_bytes": "",
            "sys/fs/cgroup/memory/memory.oom_control": "",
            "sys/fs/cgroup/cpu,cpuacct/cpu.shares": "",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "",
            "sys/fs/cgroup/cpuset/cpuset.cpus": "0-1,4\n",
            "sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
        },
    )
    info = read_sysinfo(host(1), tmp_path)
    assert info == SysInfo(
        memory_limit=True,
        memory_reservation=True,
        oom_kill_disable=True,
        cpu_shares=True,
        cpu_cfs=True,
        cpuset=True,
        cpus="0-1,4",
        mems="0",
        cpu_sets=frozenset({0, 1, 4}),
        mem_sets=frozenset({0, 1, 4}),
        pids_limit=True,
        cgroup_devices=True,
        cgroup_namespaces=True,
        cpu_count=info.cpu_count,
        capabilities=("CAP_CHOWN",),
        warnings=(
            "Your kernel does not support swap memory limit",
            "Your kernel does not support memory swappiness",
            "Your kernel does not support CPU realtime scheduler",
            "Unable to find blkio cgroup in mounts",
        ),
    )


def test_version_1_with_blkio(tmp_path: Path) -> None:
    folder = "sys/fs/cgroup/blkio"
    write(
        tmp_path,
        {
            "proc/self/mountinfo": mountinfo("blkio"),
            f"{folder}/blkio.throttle.read_bps_device": "",
            f"{folder}/blkio.throttle.write_iops_device": "",
        },
    )
    info = read_sysinfo(host(1), tmp_path)
    assert (info.blkio_read_bps_device, info.blkio_write_iops_device) == (True, True)
    assert (info.blkio_write_bps_device, info.blkio_weight) == (False, False)
    assert [warning for warning in info.warnings if "blkio" in warning] == [
        "Your kernel does not support cgroup blkio weight",
        "Your kernel does not support cgroup blkio weight_device",
        "Your kernel does not support cgroup blkio throttle.write_bps_device",
        "Your kernel does not support cgroup blkio throttle.read_iops_device",
    ]


def test_nothing_mounted(tmp_path: Path) -> None:
    info = read_sysinfo(host(1), tmp_path)
    assert info == SysInfo(
        ipv4_forwarding_disabled=True,
        cpu_count=info.cpu_count,
        capabilities=("CAP_CHOWN",),
        warnings=(
            "Your kernel does not support cgroup memory limit",
            "Unable to find cpu cgroup in mounts",
            "Unable to find blkio cgroup in mounts",
            "Unable to find cpuset cgroup in mounts",
            "Unable to find pids cgroup in mounts",
        ),
    )


def test_version_2(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/system.slice/x.service\n",
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
            "sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
            "sys/fs/cgroup/cpuset.mems.effective": "0\n",
            "sys/fs/cgroup/system.slice/x.service/memory.swap.max": "max\n",
        },
    )
    info = read_sysinfo(host(2, "systemd"), tmp_path)
    assert info.warnings == ()
    assert info.cgroup_unified
    assert info.systemd_cgroups
    assert info.swap_limit
    assert info.cpu_sets == frozenset(range(4))
    assert info.cgroup_devices
    assert (info.oom_kill_disable, info.memory_swappiness, info.kernel_memory) == (False,) * 3
    assert not info.cpu_realtime
    assert info.blkio_write_iops_device


@pytest.mark.parametrize("cgroup", ["0::/", ""])
def test_version_2_without_swap_or_controllers(tmp_path: Path, cgroup: str) -> None:
    write(
        tmp_path,
        {"proc/self/cgroup": cgroup, "sys/fs/cgroup/cgroup.controllers": "cpuset pids"},
    )
    info = read_sysinfo(host(2), tmp_path)
    assert list(info.warnings) == MISSING_V2
    assert (info.memory_limit, info.swap_limit, info.cpu_cfs, info.cpuset) == (
        False,
        False,
        False,
        True,
    )
