"""What the engine's verbs work with, as far as no containerd is needed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from runner.engine.config import EngineConfig
from runner.engine.container import Container, ContainerRecord
from runner.engine.containers import Containers
from runner.engine.events import Events
from runner.engine.metrics import Metrics
from runner.store import Store
from runner.types.container import Config, HostConfig

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


class FakeEngine(SimpleNamespace):
    """Containers, events and metrics of the engine's own; the rest as a test needs it."""

    def __init__(self, path: Path, **more: Any) -> None:
        config = EngineConfig(
            data_root=path / "data", exec_root=path / "exec", snapshotter="overlayfs"
        )
        self.store = Store(config.data_root / "runner.db")
        super().__init__(
            config=config,
            containers=Containers(self.store, config),
            events=Events(),
            metrics=Metrics(),
            **more,
        )

    def background(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        return asyncio.create_task(work, name=name)

    def add(self, name: str = "box", **record: Any) -> Container:
        """A container with this record, made in the order of the calls."""
        number = len(self.containers)
        made = ContainerRecord(
            **{
                "id": f"{number:02d}" + "abcdef" * 10 + "00",
                "name": name,
                "created": f"2026-01-02T03:04:05.{number:09d}Z",
                "path": "sh",
                "args": [],
                "config": Config(image="busybox"),
                "host_config": HostConfig(),
                "image_id": "sha256:1",
                "image_name": "docker.io/library/busybox:latest",
                "image_manifest": None,
                "driver": "overlayfs",
                "platform": "linux",
                **record,
            }
        )
        container: Container = self.containers.make(made)
        self.containers.add(container)
        self.containers.checkpoint(container)
        return container
