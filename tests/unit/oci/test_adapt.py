from __future__ import annotations

from typing import Any

import pytest

from runner.oci.adapt import EngineDefaults, adapt_container_settings
from runner.types.container import HostConfig
from tests.unit.oci import support


@pytest.mark.parametrize(
    ("settings", "field", "adapted"),
    [
        ({}, "shm_size", 64 << 20),
        ({"shm_size": 5}, "shm_size", 5),
        ({}, "ipc_mode", "private"),
        ({"ipc_mode": "host"}, "ipc_mode", "host"),
        ({"memory": 5}, "memory_swap", 10),
        ({"memory": 5, "memory_swap": -1}, "memory_swap", -1),
        ({}, "memory_swap", 0),
        ({}, "oom_kill_disable", False),
        ({"oom_kill_disable": True}, "oom_kill_disable", True),
        ({"memory_swappiness": -1}, "memory_swappiness", None),
        ({"memory_swappiness": 0}, "memory_swappiness", 0),
        ({"pids_limit": 0}, "pids_limit", None),
        ({"pids_limit": 3}, "pids_limit", 3),
        ({}, "cgroupns_mode", "host"),
        ({"privileged": True}, "cgroupns_mode", "host"),
        ({"cgroupns_mode": "private"}, "cgroupns_mode", "private"),
        ({}, "security_opt", None),
        ({"privileged": True}, "security_opt", ["label=disable"]),
        ({"pid_mode": "host"}, "security_opt", ["label=disable"]),
        ({"ipc_mode": "host", "security_opt": ["label=x"]}, "security_opt", ["label=x"]),
        ({"masked_paths": []}, "masked_paths", []),
        ({"privileged": True}, "masked_paths", None),
        ({"privileged": True}, "readonly_paths", None),
    ],
)
def test_cgroup_version_1(settings: dict[str, Any], field: str, adapted: Any) -> None:
    found = adapt_container_settings(HostConfig(**settings), support.host(cgroup_version=1))
    assert getattr(found, field) == adapted


@pytest.mark.parametrize(
    ("settings", "field", "adapted"),
    [
        ({}, "cgroupns_mode", "private"),
        ({"privileged": True}, "cgroupns_mode", "private"),
        ({"cgroupns_mode": "host"}, "cgroupns_mode", "host"),
        ({}, "oom_kill_disable", False),
        ({"oom_kill_disable": True}, "oom_kill_disable", False),
    ],
)
def test_cgroup_version_2(settings: dict[str, Any], field: str, adapted: Any) -> None:
    found = adapt_container_settings(HostConfig(**settings), support.host(cgroup_version=2))
    assert getattr(found, field) == adapted


def test_the_engines_defaults() -> None:
    defaults = EngineDefaults(shm_size=9, ipc_mode="shareable", cgroupns_mode="private")
    found = adapt_container_settings(HostConfig(), support.host(), defaults)
    assert (found.shm_size, found.ipc_mode, found.cgroupns_mode) == (9, "shareable", "private")


def test_masked_paths_name_the_cpus() -> None:
    cpu = "/sys/devices/system/cpu/cpu0/thermal_throttle"
    host = support.host(thermal_throttle_paths=(cpu,))
    masked = adapt_container_settings(HostConfig(), host).masked_paths
    assert masked is not None
    assert masked[0] == "/proc/asound"
    assert masked[-1] == cpu


def test_the_original_stays() -> None:
    settings = HostConfig(memory=5)
    adapt_container_settings(settings, support.host())
    assert settings == HostConfig(memory=5)
