"""Limits: what is too much or too little, and what this kernel cannot do."""

import dataclasses
import re

import pytest

from runner.types.container import ThrottleDevice, WeightDevice
from runner.types.errors import InvalidParameter
from tests.unit.engine.verify.machines import ABLE, BARE, verify

MB = 1024 * 1024
NOT_MOUNTED = "or the cgroup is not mounted."


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"memory": 1}, "Minimum memory limit allowed is 6MB"),
        ({"memory": -1}, "Minimum memory limit allowed is 6MB"),
        (
            {"memory": 6 * MB, "memory_swap": 6 * MB - 1},
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            {"memory_swap": 10},
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (
            {"memory_swappiness": 101},
            "Invalid value: 101, valid memory swappiness range is 0-100",
        ),
        (
            {"memory_swappiness": -2},
            "Invalid value: -2, valid memory swappiness range is 0-100",
        ),
        ({"memory_reservation": 1}, "Minimum memory reservation allowed is 6MB"),
        (
            {"memory": 6 * MB, "memory_reservation": 6 * MB + 1},
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        ({"kernel_memory": 1}, "Minimum kernel memory limit allowed is 6MB"),
        (
            {"nano_cpus": 1, "cpu_period": 1000},
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ),
        (
            {"nano_cpus": 1, "cpu_quota": 1000},
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ),
        (
            {"nano_cpus": -1},
            "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available",
        ),
        (
            {"nano_cpus": 4 * 10**9 + 1},
            "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available",
        ),
        (
            {"cpu_shares": -1},
            "invalid CPU shares (-1): value must be a positive integer",
        ),
        (
            {"cpu_period": 999},
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (
            {"cpu_period": 1_000_001},
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        ({"cpu_quota": 999}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        (
            {"cpu_realtime_period": 1, "cpu_realtime_runtime": 5},
            "cpu real-time runtime cannot be higher than cpu real-time period",
        ),
        (
            {"cpuset_cpus": "4"},
            "Requested CPUs are not available - requested 4, available: 0-3",
        ),
        ({"cpuset_cpus": "x"}, "Invalid value x for cpuset cpus: invalid format: x"),
        ({"cpuset_cpus": "1-0"}, "Invalid value 1-0 for cpuset cpus: invalid format: 1-0"),
        (
            {"cpuset_cpus": "0-99999"},
            "Invalid value 0-99999 for cpuset cpus: value of out range, maximum is 8192",
        ),
        (
            {"cpuset_mems": "5"},
            "Requested memory nodes are not available - requested 5, available: 0",
        ),
        ({"cpuset_mems": "-"}, "Invalid value - for cpuset mems: invalid format: -"),
        ({"blkio_weight": 9}, "Range of blkio weight is from 10 to 1000"),
        ({"blkio_weight": 1001}, "Range of blkio weight is from 10 to 1000"),
        (
            {"io_maximum_bandwidth": 1},
            "invalid option: QoS maximum bandwidth configuration is not supported on linux",
        ),
        (
            {"io_maximum_iops": 1},
            "invalid option: QoS maximum IOPs configuration is not supported on linux",
        ),
    ],
)
def test_limits_that_make_no_sense(settings: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        verify(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"memory": 6 * MB},
        {"memory": 6 * MB, "memory_swap": 6 * MB},
        {"memory": 6 * MB, "memory_swap": -1},
        {"memory_swap": -1},
        {"memory": 6 * MB, "memory_swap": -2},
        {"memory_swappiness": 0},
        {"memory": 7 * MB, "memory_reservation": 6 * MB},
        {"oom_kill_disable": True, "memory": 6 * MB},
        {"oom_kill_disable": False},
        {"pids_limit": 5},
        {"nano_cpus": 4 * 10**9},
        {"cpu_period": 1000, "cpu_quota": 1000},
        {"cpu_quota": -5},
        {"cpu_realtime_period": 5, "cpu_realtime_runtime": 5},
        {"cpuset_cpus": "0-1,3", "cpuset_mems": "0"},
        {"cpuset_cpus": "+1,03"},
        {"blkio_weight": 10},
        {"blkio_device_read_bps": [ThrottleDevice("/dev/sda", 1)]},
    ],
)
def test_limits_that_do(settings: dict[str, object]) -> None:
    warnings, kept = verify(**settings)
    assert warnings == []
    assert {name: getattr(kept, name) for name in settings} == settings


@pytest.mark.parametrize(
    ("settings", "warning", "left"),
    [
        (
            {"memory": 6 * MB, "memory_swap": 7 * MB},
            (
                f"Your kernel does not support memory limit capabilities {NOT_MOUNTED}"
                " Limitation discarded."
            ),
            {"memory": 0, "memory_swap": -1},
        ),
        (
            {"memory_swappiness": 10},
            (
                f"Your kernel does not support memory swappiness capabilities {NOT_MOUNTED}"
                " Memory swappiness discarded."
            ),
            {"memory_swappiness": None},
        ),
        (
            {"memory_reservation": 1},
            (
                f"Your kernel does not support memory soft limit capabilities {NOT_MOUNTED}"
                " Limitation discarded."
            ),
            {"memory_reservation": 0},
        ),
        (
            {"kernel_memory": 1},
            (
                f"Your kernel does not support kernel memory limit capabilities {NOT_MOUNTED}"
                " Limitation discarded."
            ),
            {"kernel_memory": 0},
        ),
        (
            {"oom_kill_disable": True},
            "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
            {"oom_kill_disable": None},
        ),
        ({"oom_kill_disable": False}, "", {"oom_kill_disable": None}),
        (
            {"pids_limit": 5},
            (
                f"Your kernel does not support PIDs limit capabilities {NOT_MOUNTED}"
                " PIDs limit discarded."
            ),
            {"pids_limit": None},
        ),
        ({"pids_limit": -1}, "", {"pids_limit": None}),
        (
            {"cpu_shares": 5},
            f"Your kernel does not support CPU shares {NOT_MOUNTED} Shares discarded.",
            {"cpu_shares": 0},
        ),
        (
            {"cpu_period": 5, "cpu_quota": 5},
            "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
            {"cpu_period": 0, "cpu_quota": 0},
        ),
        (
            {"cpuset_cpus": "9", "cpuset_mems": "x"},
            f"Your kernel does not support cpuset {NOT_MOUNTED} Cpuset discarded.",
            {"cpuset_cpus": "", "cpuset_mems": ""},
        ),
        (
            {"blkio_weight": 5},
            f"Your kernel does not support Block I/O weight {NOT_MOUNTED} Weight discarded.",
            {"blkio_weight": 0},
        ),
        (
            {"blkio_weight_device": [WeightDevice("/dev/sda", 5)]},
            (
                f"Your kernel does not support Block I/O weight_device {NOT_MOUNTED}"
                " Weight-device discarded."
            ),
            {"blkio_weight_device": []},
        ),
        (
            {"blkio_device_read_bps": [ThrottleDevice("/dev/sda", 5)]},
            (
                f"Your kernel does not support BPS Block I/O read limit {NOT_MOUNTED}"
                " Block I/O BPS read limit discarded."
            ),
            {"blkio_device_read_bps": []},
        ),
        (
            {"blkio_device_write_bps": [ThrottleDevice("/dev/sda", 5)]},
            (
                f"Your kernel does not support BPS Block I/O write limit {NOT_MOUNTED}"
                " Block I/O BPS write limit discarded."
            ),
            {"blkio_device_write_bps": []},
        ),
        (
            {"blkio_device_read_iops": [ThrottleDevice("/dev/sda", 5)]},
            (
                f"Your kernel does not support IOPS Block read limit {NOT_MOUNTED}"
                " Block I/O IOPS read limit discarded."
            ),
            {"blkio_device_read_iops": []},
        ),
        (
            {"blkio_device_write_iops": [ThrottleDevice("/dev/sda", 5)]},
            (
                f"Your kernel does not support IOPS Block write limit {NOT_MOUNTED}"
                " Block I/O IOPS write limit discarded."
            ),
            {"blkio_device_write_iops": []},
        ),
    ],
)
def test_what_the_kernel_cannot_do_is_discarded_and_said(
    settings: dict[str, object], warning: str, left: dict[str, object]
) -> None:
    warnings, kept = verify(BARE, **settings)
    assert warnings == ([warning] if warning else [])
    assert {name: getattr(kept, name) for name in left} == left


def test_memory_without_swap_accounting() -> None:
    warnings, kept = verify(
        dataclasses.replace(ABLE, swap_limit=False), memory=6 * MB, memory_swap=5
    )
    assert warnings == [
        (
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
            "Memory limited without swap."
        )
    ]
    assert (kept.memory, kept.memory_swap) == (6 * MB, -1)


def test_no_oom_killer_and_no_limit() -> None:
    warnings, kept = verify(oom_kill_disable=True)
    assert warnings == [
        (
            "OOM killer is disabled for the container, but no memory limit is set, "
            "this can result in the system running out of resources."
        )
    ]
    assert kept.oom_kill_disable


def test_minus_one_swappiness_is_unset() -> None:
    assert verify(memory_swappiness=-1)[1].memory_swappiness is None
    assert verify(BARE, memory_swappiness=-1) == ([], verify(BARE)[1])


def test_windows_percentages() -> None:
    warnings, kept = verify(cpu_percent=5)
    assert warnings == ["linux does not support CPU percent. Percent discarded."]
    assert kept.cpu_percent == 0


def test_cpus_need_the_scheduler() -> None:
    with pytest.raises(InvalidParameter, match="NanoCPUs can not be set, as your kernel does not"):
        verify(BARE, nano_cpus=1)
    with pytest.raises(InvalidParameter, match="kernel does not support CPU real-time scheduler"):
        verify(BARE, cpu_realtime_period=1)
    assert verify(BARE, cpu_shares=-1)[0] == []
