"""Which containerd an engine takes that was not told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from runner.containerd.client import Containerd
from runner.engine import containerd_service
from runner.engine.config import EngineConfig
from runner.engine.containerd_service import find_containerd
from runner.linux.peers import listener
from runner.types.errors import Unavailable
from tests.support.containerd import DEFAULT_VERSION, containerd_bin_dir
from tests.support.process import Process
from tests.support.relay import slow_relay
from tests.support.toolchain import path_with
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd as Daemon


@pytest.fixture
def config() -> Iterator[EngineConfig]:
    """Of an engine whose places have short names: containerd makes sockets in one of them."""
    with Workspace.make() as workspace:
        yield EngineConfig(data_root=workspace.path / "data", exec_root=workspace.path / "exec")


@pytest.fixture
def host_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the host's containerd would be; a binary for one of the engine's own there is not."""
    path = tmp_path / "host.sock"
    monkeypatch.setattr(containerd_service, "HOST_SOCKETS", (tmp_path / "none.sock", path))
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


async def test_the_hosts_is_taken_however_slow_it_is(
    containerd: Daemon, config: EngineConfig, host_socket: Path
) -> None:
    """One of the engine's own would know none of the containers that the host's has."""
    async with (
        slow_relay(host_socket, containerd.address, seconds=1.2),
        AsyncExitStack() as resources,
    ):
        assert await find_containerd(config, resources) == str(host_socket)


_LEAVING = """
import asyncio, contextlib, os, sys
from pathlib import Path
from runner.containerd.client import Containerd
from runner.engine import containerd_service
from runner.engine.config import EngineConfig

async def main():
    containerd_service.HOST_SOCKETS = ()
    config = EngineConfig(data_root=Path(sys.argv[1]), exec_root=Path(sys.argv[2]))
    print(await containerd_service.find_containerd(config, contextlib.AsyncExitStack()), flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_what_a_killed_engine_has_left_is_supervised_again(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containerd_service, "HOST_SOCKETS", ())
    monkeypatch.setenv("PATH", path_with(containerd_bin_dir(DEFAULT_VERSION)))
    places = (str(config.data_root), str(config.exec_root))
    killed = subprocess.run(
        [sys.executable, "-c", _LEAVING, *places], stdout=subprocess.PIPE, text=True
    )
    address = killed.stdout.strip()
    left = listening(address)
    async with AsyncExitStack() as resources:
        assert await find_containerd(config, resources) == address
        assert listening(address) == left
        os.kill(left, signal.SIGKILL)
        async with Containerd(address, "test") as client:
            async with asyncio.timeout(30):
                while (another := listening(address)) in {0, left}:
                    await asyncio.sleep(0.05)
            await client.wait_until_serving(30)
        left = another
    assert listening(address) == 0
    assert Process.read(left) is None


def listening(address: str) -> int:
    """The PID of who listens on the socket, 0 if nobody does."""
    try:
        return listener(address)
    except OSError:
        return 0


async def test_a_socket_that_nobody_listens_on_is_none(
    config: EngineConfig, host_socket: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(host_socket))
    async with AsyncExitStack() as resources:
        with pytest.raises(Unavailable, match="no containerd is running"):
            await find_containerd(config, resources)
