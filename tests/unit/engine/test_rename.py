"""Renaming: what the name does when the container goes meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from runner.engine.config import EngineConfig
from runner.engine.container import ContainerRecord
from runner.engine.containers import Containers
from runner.engine.events import Events
from runner.engine.rename import container_rename
from runner.store import Store
from runner.types.container import Config, HostConfig
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = "abc1" + "0" * 60, "abc2" + "0" * 60


async def test_a_container_that_is_removed_meanwhile_takes_no_name_along(tmp_path: Path) -> None:
    config = EngineConfig(data_root=tmp_path / "data", exec_root=tmp_path / "exec")
    store = Store(config.data_root / "runner.db")
    containers = Containers(store, config)
    engine = SimpleNamespace(containers=containers, events=Events())
    record = ContainerRecord(
        id=FIRST,
        name="old",
        created="2026-01-02T03:04:05Z",
        path="sh",
        args=[],
        config=Config(image="busybox"),
        host_config=HostConfig(),
        image_id="sha256:1",
        image_name="docker.io/library/busybox:latest",
        image_manifest=None,
        driver="overlayfs",
        platform="linux",
    )
    container = containers.make(record)
    containers.add(container)
    containers.checkpoint(container)
    async with container.lock:
        renaming = asyncio.create_task(container_rename(engine, "old", "new"))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        containers.forget(container, b"")
    with pytest.raises(NotFound, match="No such container: old"):
        await renaming
    containers.reserve_name(SECOND, "new")
    store.close()
