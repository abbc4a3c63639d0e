"""The engine's figures for Prometheus, under dockerd's names (moby internal/metrics)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

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

    def action(self, verb: str, seconds: float) -> None:
        """A verb has been done on a container in so many seconds."""
        self._actions.labels(verb).observe(seconds)
