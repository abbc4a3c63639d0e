"""The engine's figures, as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runner.engine.metrics import Metrics


def samples(metrics: Metrics) -> dict[str, float]:
    """By name and labels, as in `x_count{action="start"}`."""
    found = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_dockerds_actions_are_there_before_the_first() -> None:
    found = samples(Metrics())
    for action in ("start", "changes", "commit", "create", "delete"):
        name = f'engine_daemon_container_actions_seconds_count{{action="{action}"}}'
        assert found[name] == 1
    assert not [name for name in found if name.endswith("_created")]


def test_buckets_are_those_of_go() -> None:
    found = samples(Metrics())
    buckets = [
        name.partition('le="')[2].rstrip('"}')
        for name in found
        if name.startswith('engine_daemon_container_actions_seconds_bucket{action="start"')
    ]
    assert buckets == "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0 2.5 5.0 10.0 +Inf".split()


def test_what_happens_is_counted() -> None:
    metrics = Metrics()
    metrics.action("start", 0.2)
    metrics.network_action("connect", 0.1)
    metrics.image_action("pull", 3)
    metrics.health_check_started(0.1)
    metrics.health_check(failed=False)
    metrics.health_check(failed=True)
    metrics.event()
    with metrics.host_info("system_info"):
        pass
    found = samples(metrics)
    prefix = "engine_daemon"
    assert found[f'{prefix}_container_actions_seconds_sum{{action="start"}}'] == 0.2
    assert found[f'{prefix}_network_actions_seconds_count{{action="connect"}}'] == 1
    assert found[f'{prefix}_image_actions_seconds_sum{{action="pull"}}'] == 3
    assert found[f'{prefix}_host_info_functions_seconds_count{{function="system_info"}}'] == 1
    assert found[f"{prefix}_health_check_start_duration_seconds_count"] == 1
    assert found[f"{prefix}_health_checks_total"] == 2
    assert found[f"{prefix}_health_checks_failed_total"] == 1
    assert found[f"{prefix}_events_total"] == 1


def test_requests_are_told_by_method_but_for_waits() -> None:
    metrics = Metrics()
    for method in ("Tasks.Create", "Tasks.Create", "Tasks.Wait"):
        metrics.containerd_request(method, 0.03)
    found = {name: value for name, value in samples(metrics).items() if "_count{method" in name}
    assert found == {'runner_containerd_request_seconds_count{method="Tasks.Create"}': 2}


def test_what_is_watched_is_asked_when_somebody_looks() -> None:
    metrics = Metrics()
    states = {"running": 1, "paused": 0, "stopped": 4}
    metrics.watch(subscribers=lambda: 3, states=lambda: states)
    name = "engine_daemon_container_states_containers"
    assert samples(metrics)[f'{name}{{state="running"}}'] == 1
    states["running"] = 2
    found = samples(metrics)
    assert [found[f'{name}{{state="{state}"}}'] for state in states] == [2, 0, 4]
    assert found["engine_daemon_events_subscribers_total"] == 3


def test_the_engine_is_described() -> None:
    metrics = Metrics()
    names = "version commit architecture graphdriver kernel os os_type os_version daemon_id"
    info = dict.fromkeys(names.split(), "x")
    metrics.describe(info, cpus=2, memory=1 << 30)
    found = samples(metrics)
    assert found["engine_daemon_engine_cpus_cpus"] == 2
    assert found["engine_daemon_engine_memory_bytes"] == 1 << 30
    (description,) = (name for name in found if name.startswith("engine_daemon_engine_info{"))
    assert 'daemon_id="x"' in description
    with pytest.raises(KeyError):
        Metrics().describe({}, cpus=1, memory=1)
