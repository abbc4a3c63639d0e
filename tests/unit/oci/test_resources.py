from __future__ import annotations

from typing import Any

import pytest

from runner.oci.resources import (
    get_block_io_resources,
    get_cpu_resources,
    get_memory_resources,
    get_pids_limit,
)
from runner.oci.spec import LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxWeightDevice
from runner.types.container import HostConfig, ThrottleDevice, WeightDevice
from runner.types.errors import InvalidParameter
from tests.unit.oci import support


@pytest.mark.parametrize(
    ("settings", "memory"),
    [
        ({}, None),
        ({"memory": 1, "memory_swap": 2}, LinuxMemory(limit=1, swap=2)),
        ({"memory": 1, "memory_swap": -1}, LinuxMemory(limit=1)),
        ({"memory_reservation": 3}, LinuxMemory(reservation=3)),
        ({"memory_swappiness": 0}, LinuxMemory(swappiness=0)),
        ({"oom_kill_disable": False}, LinuxMemory(disable_oom_killer=False)),
        ({"kernel_memory": 4, "kernel_memory_tcp": 5}, LinuxMemory(kernel=4, kernel_tcp=5)),
    ],
)
def test_memory(settings: dict[str, Any], memory: LinuxMemory | None) -> None:
    assert get_memory_resources(HostConfig(**settings), 1) == memory


def test_version_2_has_no_oom_switch() -> None:
    assert get_memory_resources(HostConfig(oom_kill_disable=False), 2) is None


@pytest.mark.parametrize(
    ("settings", "cpu"),
    [
        ({}, None),
        ({"nano_cpus": 1_500_000_000}, LinuxCPU(period=100_000, quota=150_000)),
        ({"nano_cpus": 1}, LinuxCPU(period=100_000, quota=0)),
        ({"cpu_period": 5, "cpu_quota": -1}, LinuxCPU(period=5, quota=-1)),
        (
            {"cpu_shares": 2, "cpuset_cpus": "0-3", "cpuset_mems": "1"},
            LinuxCPU(shares=2, cpus="0-3", mems="1"),
        ),
        (
            {"cpu_realtime_period": 7, "cpu_realtime_runtime": 6},
            LinuxCPU(realtime_period=7, realtime_runtime=6),
        ),
    ],
)
def test_cpu(settings: dict[str, Any], cpu: LinuxCPU | None) -> None:
    assert get_cpu_resources(HostConfig(**settings)) == cpu


def test_negative_shares() -> None:
    with pytest.raises(InvalidParameter) as caught:
        get_cpu_resources(HostConfig(cpu_shares=-2))
    assert str(caught.value) == "invalid CPU shares (-2): value must be a positive integer"


@pytest.mark.parametrize(("limit", "pids"), [(None, None), (5, 5), (0, -1), (-1, -1)])
def test_pids(limit: int | None, pids: int | None) -> None:
    found = get_pids_limit(HostConfig(pids_limit=limit))
    assert (found and found.limit) == pids


def test_block_io_weights() -> None:
    host = support.host(files=support.NOTHING | {"numbers": {"/dev/a": [8, 16]}})
    settings = HostConfig(
        blkio_weight=300, blkio_weight_device=[WeightDevice(path="/dev/a", weight=500)]
    )
    assert get_block_io_resources(settings, host) == LinuxBlockIO(
        weight=300, weight_device=[LinuxWeightDevice(8, 16, 500)]
    )


def test_missing_block_device() -> None:
    settings = HostConfig(blkio_device_read_bps=[ThrottleDevice(path="/dev/none", rate=1)])
    with pytest.raises(InvalidParameter) as caught:
        get_block_io_resources(settings, support.host())
    assert str(caught.value) == "stat /dev/none: no such file or directory"


@pytest.mark.parametrize(
    ("parent", "default", "driver", "path"),
    [
        ("", "", "cgroupfs", f"/runner/{support.ID}"),
        ("", "/mine", "cgroupfs", f"/mine/{support.ID}"),
        ("/a//b/../c", "/mine", "cgroupfs", f"/a/c/{support.ID}"),
        ("//a", "", "cgroupfs", f"/a/{support.ID}"),
        ("a", "", "cgroupfs", f"a/{support.ID}"),
        ("", "", "systemd", f"system.slice:runner:{support.ID}"),
        ("my.slice", "", "systemd", f"my.slice:runner:{support.ID}"),
    ],
)
def test_cgroups_path(parent: str, default: str, driver: str, path: str) -> None:
    made = support.spec(
        settings=HostConfig(cgroup_parent=parent),
        cgroup_parent=default,
        on=support.host(cgroup_driver=driver),
    )
    assert made.linux.cgroups_path == path
