"""The engine's figures for Prometheus, under dockerd's names (moby internal/metrics).

Ours alone is `runner_containerd_request_seconds`: how long containerd takes to answer.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import Metric

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: those of Prometheus' Go library, and so dockerd's."""
_ACTIONS: Final = ("start", "changes", "commit", "create", "delete")
"""What dockerd has counted once, with no time at all, before it happens first."""
_WAITS: Final = frozenset({"Tasks.Wait"})
"""Answered when a container ends, which says nothing of containerd."""
_INFO: Final = (
    *("version", "commit", "architecture", "graphdriver", "kernel"),
    *("os", "os_type", "os_version", "daemon_id"),
)


class Metrics:
    """One registry per engine. What tells of something that has happened never raises."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # series that Go's has not
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._actions = self._timer("container_actions", "process each container action", "action")
        for action in _ACTIONS:
            self._actions.labels(action).observe(0)
        self._network_actions = self._timer(
            "network_actions", "process each network action", "action"
        )
        self._image_actions = self._timer("image_actions", "process each image action", "action")
        self._host_info = self._timer(
            "host_info_functions", "call functions gathering info about the host", "function"
        )
        self._health_check_starts = self._timer(
            "health_check_start_duration", "prepare to run health checks"
        )
        self._health_checks = self._counter("health_checks", "The total number of health checks")
        self._failed_health_checks = self._counter(
            "health_checks_failed", "The total number of failed health checks"
        )
        self._events = self._counter("events", "The number of events logged")
        self._requests = Histogram(
            "runner_containerd_request_seconds",
            "The number of seconds that containerd took to answer",
            ["method"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._requests_by_method: dict[str, Histogram] = {}

    def _timer(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(
            f"engine_daemon_{name}_seconds",
            f"The number of seconds it takes to {what}",
            labels,
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"engine_daemon_{name}", text, registry=self._registry)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(f"engine_daemon_{name}", text, labels, registry=self._registry)

    # --- told once, when the engine opens -------------------------------------------------------

    def describe(self, info: Mapping[str, str], cpus: int, memory: int) -> None:
        """What runs where: `info` by the names in _INFO; memory in bytes."""
        text = "The information related to the engine and the OS it is running on"
        self._gauge("engine_info", text, _INFO).labels(*(info[name] for name in _INFO)).set(1)
        text = "The number of cpus that the host system of the engine has"
        self._gauge("engine_cpus_cpus", text).set(cpus)
        text = "The number of bytes of memory that the host system of the engine has"
        self._gauge("engine_memory_bytes", text).set(memory)

    def watch(
        self, subscribers: Callable[[], int], states: Callable[[], Mapping[str, int]]
    ) -> None:
        """Ask these whenever somebody looks: who listens to events, and how many containers are
        in which state."""
        text = "The number of current subscribers to events"
        self._gauge("events_subscribers_total", text).set_function(subscribers)
        self._registry.register(_States(states))

    # --- told as it happens ---------------------------------------------------------------------

    def action(self, verb: str, seconds: float) -> None:
        """A verb has been done on a container in so many seconds."""
        self._actions.labels(verb).observe(seconds)

    def network_action(self, verb: str, seconds: float) -> None:
        """The same with a container's networks: allocate, connect, update, release."""
        self._network_actions.labels(verb).observe(seconds)

    def image_action(self, verb: str, seconds: float) -> None:
        """The same with an image: pull, push, delete, history."""
        self._image_actions.labels(verb).observe(seconds)

    @contextlib.contextmanager
    def host_info(self, function: str) -> Iterator[None]:
        """Time what is asked of the host inside."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._host_info.labels(function).observe(time.monotonic() - began)

    def event(self) -> None:
        """An event has been published."""
        self._events.inc()

    def health_check_started(self, seconds: float) -> None:
        """A probe has been made ready in so many seconds."""
        self._health_check_starts.observe(seconds)

    def health_check(self, *, failed: bool) -> None:
        """A probe has ended."""
        self._health_checks.inc()
        if failed:
            self._failed_health_checks.inc()

    def containerd_request(self, method: str, seconds: float) -> None:
        """containerd has answered a call, well or ill."""
        if method in _WAITS:
            return
        timer = self._requests_by_method.get(method)
        if timer is None:
            timer = self._requests_by_method[method] = self._requests.labels(method)
        timer.observe(seconds)

    # --- looked at ------------------------------------------------------------------------------

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


class _States:
    """How many containers there are in each state, counted when somebody looks (StateCounter)."""

    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        family = GaugeMetricFamily(
            "engine_daemon_container_states_containers",
            "The count of containers in various states",
            labels=["state"],
        )
        for state, number in sorted(self._count().items()):
            family.add_metric([state], number)
        yield family
