"""The engine's figures for Prometheus, under dockerd's names (moby internal/metrics)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_PREFIX = "engine_daemon"


class Metrics:
    """One registry per engine."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._actions = Histogram(
            f"{_PREFIX}_container_actions_seconds",
            "The number of seconds it takes to process each container action",
            ["action"],
            registry=self.registry,
        )
        self._health_checks = self._counter("health_checks", "The total number of health checks")
        self._failed_health_checks = self._counter(
            "health_checks_failed", "The total number of failed health checks"
        )

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", meaning, registry=self.registry)

    def health_check(self) -> None:
        """A health check is about to run."""
        self._health_checks.inc()

    def health_check_failed(self) -> None:
        """A health check could not be run."""
        self._failed_health_checks.inc()

    def action(self, verb: str, seconds: float) -> None:
        """A verb has been done on a container in so many seconds."""
        self._actions.labels(verb).observe(seconds)
