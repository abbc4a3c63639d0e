"""Which containerd an engine takes that was not told."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from runner.engine import containerd_service
from runner.engine.config import EngineConfig
from runner.engine.containerd_service import find_containerd
from runner.types.errors import Unavailable
from tests.support.relay import slow_relay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.containerd import Containerd


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    return EngineConfig(data_root=tmp_path / "data", exec_root=tmp_path / "exec")


@pytest.fixture
def host_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the host's containerd would be; a binary for one of the engine's own there is not."""
    path = tmp_path / "host.sock"
    monkeypatch.setattr(containerd_service, "HOST_SOCKETS", (tmp_path / "none.sock", path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


async def test_the_hosts_is_taken_however_slow_it_is(
    containerd: Containerd, config: EngineConfig, host_socket: Path
) -> None:
    """One of the engine's own would know none of the containers that the host's has."""
    async with (
        slow_relay(host_socket, containerd.address, seconds=1.2),
        AsyncExitStack() as resources,
    ):
        assert await find_containerd(config, resources) == str(host_socket)


async def test_a_socket_that_nobody_listens_on_is_none(
    config: EngineConfig, host_socket: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(host_socket))
    async with AsyncExitStack() as resources:
        with pytest.raises(Unavailable, match="no containerd is running"):
            await find_containerd(config, resources)
