"""Somebody makes a containerd container with our ID whenever it is free: the start gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.containerd.containers import Container, Runtime
from runner.containerd.runc import RUNTIME
from runner.engine.config import EngineConfig
from runner.engine.create import container_create
from runner.engine.engine import Engine
from runner.engine.remove import container_rm
from runner.engine.start import start
from runner.engine.state import Status
from runner.linux.mountinfo import read_mounts
from runner.types.container import Config, HostConfig
from runner.types.errors import System
from runner.types.network import NetworkingConfig
from tests.support.workspace import cgroup_parent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.subject import Subject


@pytest.fixture
async def engine(ours: Subject, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine in this process, beside the other one and with its images."""
    config = EngineConfig(
        data_root=tmp_path / "data",
        exec_root=tmp_path / "exec",
        containerd=str(ours.daemon.containerd.address),
        containerd_namespace=ours.daemon.namespace,
        bridge="none-is-made",
        cgroup_parent=cgroup_parent(ours.daemon.namespace),
    )
    engine = Engine(config)
    await engine.open()
    yield engine
    await engine.close()


class Jealous:
    """containerd's containers, with somebody who takes the ID as soon as it is free."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.creates = 0

    async def create(self, container: Container) -> Any:
        self.creates += 1
        return await self._real.create(container)

    async def delete(self, container_id: str) -> None:
        await self._real.delete(container_id)
        await self.take(container_id)

    async def take(self, container_id: str) -> None:
        await self._real.create(Container(id=container_id, runtime=Runtime(RUNTIME), spec=b"{}"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def test_the_second_conflict_is_told_and_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await container_create(
        engine,
        name="box",
        config=Config(image="busybox", cmd=["true"]),
        host_config=HostConfig(network_mode="none"),
        networking_config=NetworkingConfig(),
        platform=None,
    )
    real = engine.containerd.containers
    jealous = Jealous(real)
    await jealous.take(made.id)
    with monkeypatch.context() as patch:
        patch.setattr(engine.containerd, "containers", jealous)
        with pytest.raises(System, match=r"^id already in use$"):
            await start(engine, "box")
    container = engine.containers.get("box")
    assert jealous.creates == 2
    assert (container.state.status, container.state.exit_code) == (Status.CREATED, 128)
    assert container.state.error == "id already in use"
    roots = str(engine.config.rootfs_dir), str(engine.config.exec_root)
    assert not [mount for mount in read_mounts() if mount.mountpoint.startswith(roots)]

    await real.delete(made.id)  # somebody goes
    await start(engine, "box")
    assert container.state.error == ""
    await container_rm(engine, "box", force=True)
