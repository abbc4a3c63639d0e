"""`runner serve --metrics-addr`: what Prometheus gets from an engine that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.engine import Engine

pytestmark = pytest.mark.root

STATES = "engine_daemon_container_states_containers"
DOCKERDS = {
    *('container_actions_seconds_count{action="start"}', "health_checks_total"),
    *('container_states_containers{state="paused"}', "engine_cpus_cpus", "engine_info"),
    *("engine_memory_bytes", "events_subscribers_total", "events_total"),
    *("health_check_start_duration_seconds_count", "health_checks_failed_total"),
    *('host_info_functions_seconds_count{function="system_info"}',),
    *('network_actions_seconds_count{action="allocate"}',),
}
"""What dockerd 28.5 serves below `engine_daemon_`, the labels of engine_info aside."""


def difference(before: dict[str, float], after: dict[str, float], name: str) -> float:
    return after[name] - before.get(name, 0)


def test_figures_of_a_run(busybox: Engine) -> None:
    busybox.docker("info")
    before = busybox.metrics()
    busybox.docker("run", "--rm", "busybox", "true")
    busybox.docker("run", "--detach", "--name=box", "busybox", "sleep", "1000")
    assert eventually(lambda: busybox.metrics()[f'{STATES}{{state="stopped"}}'] == 0)
    after = busybox.metrics()
    for action, times in (("create", 2), ("start", 2), ("delete", 1)):
        name = f'engine_daemon_container_actions_seconds_count{{action="{action}"}}'
        assert difference(before, after, name) == times
    assert difference(before, after, "engine_daemon_events_total") >= 10
    assert after[f'{STATES}{{state="running"}}'] == 1
    for method in ("Tasks.Create", "Tasks.Start", "Containers.Create", "Snapshots.Prepare"):
        name = f'runner_containerd_request_seconds_count{{method="{method}"}}'
        assert difference(before, after, name) == 2
    names = {name.removeprefix("engine_daemon_") for name in after}
    names |= {name.partition("{")[0] for name in names if name.startswith("engine_info")}
    assert names >= DOCKERDS


def test_who_listens_to_events_is_counted(busybox: Engine) -> None:
    name = "engine_daemon_events_subscribers_total"
    assert busybox.metrics()[name] == 0
    with busybox.docker_terminal("events") as terminal:
        assert eventually(lambda: busybox.metrics()[name] == 1)
        terminal.send("\x03")
        terminal.wait()
    assert eventually(lambda: busybox.metrics()[name] == 0)
