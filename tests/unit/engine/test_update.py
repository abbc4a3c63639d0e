"""Which changes fit what a container has, and what the runtime is told of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runner.engine.update import to_containerd_resources, updated
from runner.types.container import HostConfig, RestartPolicy
from runner.types.errors import Conflict

CONFLICTS = [
    ({"cpu_period": 1}, {"nano_cpus": 1}, "Nano CPUs cannot be updated as CPU Period has already"),
    ({"cpu_quota": 1}, {"nano_cpus": 1}, "Nano CPUs cannot be updated as CPU Quota has already"),
    ({"nano_cpus": 1}, {"cpu_period": 1}, "CPU Period cannot be updated as NanoCPUs has already"),
    ({"nano_cpus": 1}, {"cpu_quota": 1}, "CPU Quota cannot be updated as NanoCPUs has already"),
    ({"memory_swap": 5}, {"memory": 6}, "should be smaller than already set memoryswap limit"),
    ({}, {"memory": 6}, "should be smaller than already set memoryswap limit"),
    ({"memory_swap": -1}, {"memory": 6}, "should be smaller than already set memoryswap limit"),
    (
        {"auto_remove": True},
        {"restart_policy": RestartPolicy(name="always")},
        "AutoRemove is enabled for the container",
    ),
]


@pytest.mark.parametrize(("current", "wanted", "message"), CONFLICTS)
def test_conflicts(current: dict[str, Any], wanted: dict[str, Any], message: str) -> None:
    before = HostConfig(**current)
    with pytest.raises(Conflict, match=message):
        updated(before, HostConfig(**wanted))
    assert before == HostConfig(**current)


FITTING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"memory": 5, "memory_swap": 10}, {"memory": 6}),
    ({"memory_swap": 5}, {"memory": 6, "memory_swap": -1}),
    ({"memory": 5}, {"memory_swap": 12}),
    ({"nano_cpus": 1}, {"nano_cpus": 2}),
    ({"cpu_period": 1}, {"cpu_quota": 2}),
    ({"cpuset_cpus": "0"}, {"cpuset_cpus": "1"}),
    ({"pids_limit": 5}, {"pids_limit": 0}),
    ({"auto_remove": True}, {"restart_policy": RestartPolicy(name="no")}),
    ({}, {"restart_policy": RestartPolicy(name="on-failure", maximum_retry_count=3)}),
]


@pytest.mark.parametrize(("current", "wanted"), FITTING)
def test_what_is_named_changes_and_the_rest_stays(
    current: dict[str, Any], wanted: dict[str, Any]
) -> None:
    kept: dict[str, Any] = {"cpu_shares": 7, "memory_reservation": 3, "privileged": True}
    before = HostConfig(**kept, **current)
    assert updated(before, HostConfig(**wanted)) == HostConfig(**{**kept, **current, **wanted})


def test_nothing_named_changes_nothing() -> None:
    before = HostConfig(memory=5, pids_limit=3, restart_policy=RestartPolicy(name="always"))
    assert updated(before, HostConfig()) == before


RESOURCES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"memory": 9, "memory_swap": -1}, {"memory": {"limit": 9}}),
    ({"memory": 9, "memory_swap": 10}, {"memory": {"limit": 9, "swap": 10}}),
    ({"memory_reservation": 9}, {"memory": {"reservation": 9}}),
    ({"nano_cpus": 500_000_000}, {"cpu": {"period": 100_000, "quota": 50_000}}),
    ({"cpu_period": 20_000, "cpu_quota": -1}, {"cpu": {"period": 20_000, "quota": -1}}),
    ({"cpu_shares": 5, "cpuset_mems": "0"}, {"cpu": {"shares": 5, "mems": "0"}}),
    ({"cpu_shares": -1}, {"cpu": {"shares": 2**64 - 1}}),
    ({"pids_limit": 0}, {"pids": {"limit": -1}}),
    ({"pids_limit": 9}, {"pids": {"limit": 9}}),
    ({"blkio_weight": 100}, {"blockIO": {"weight": 100}}),
]


@pytest.mark.parametrize(("wanted", "document"), RESOURCES)
def test_the_runtime_gets_what_is_named(wanted: dict[str, Any], document: dict[str, Any]) -> None:
    resources = to_containerd_resources(HostConfig(**wanted))
    assert msgspec.json.decode(msgspec.json.encode(resources)) == document
