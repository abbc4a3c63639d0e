"""The containerd to use: the one asked for, the host's, or one that we start and supervise.

Source: moby cmd/dockerd (initContainerd) and its supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.containerd.client import Containerd
from runner.linux.peers import listener
from runner.linux.ready import until_readable
from runner.types.errors import Unavailable

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from runner.engine.config import EngineConfig

log = logging.getLogger(__name__)

HOST_SOCKETS = (
    Path("/run/containerd/containerd.sock"),
    Path("/run/docker/containerd/containerd.sock"),
)
_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 10.0
_RESTART_DELAY = 0.5

CONFIG = """\
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
                    "io.containerd.cri.v1.runtime"]

[grpc]
  address = "{socket}"
"""


async def find_containerd(config: EngineConfig, resources: AsyncExitStack) -> str:
    """The address of a containerd that serves; one that we start is stopped with `resources`.

    Raises Unavailable with what to do when there is none.
    """
    if config.containerd is not None:
        await _wait_until_serving(config, config.containerd)
        return config.containerd
    for host_socket in HOST_SOCKETS:
        if _is_listening(host_socket):
            await _wait_until_serving(config, str(host_socket))
            return str(host_socket)
    binary = shutil.which("containerd")
    if binary is None:
        raise Unavailable(
            "no containerd is running, and there is no containerd binary on PATH: install it"
            " (apt-get install containerd), or name the socket of a running one with --containerd"
        )
    supervisor = Supervisor(config, binary)
    if _is_listening(supervisor.socket):
        await supervisor.take_up()
    else:
        await supervisor.start()
    resources.push_async_callback(supervisor.stop)
    return str(supervisor.socket)


async def _wait_until_serving(config: EngineConfig, address: str) -> None:
    async with Containerd(address, config.containerd_namespace) as containerd:
        await containerd.wait_until_serving(_START_TIMEOUT)


def _is_listening(path: Path) -> bool:
    """Whether somebody takes connections there, be it ever so slowly: then it is the containerd to
    use, for another one would know none of its containers. A socket may outlive who made it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except BlockingIOError:  # so many wait already that there is no room in the queue
            return True
        except OSError:
            return False
    return True


class _Process(Protocol):
    """What the supervisor needs of asyncio's process."""

    @property
    def pid(self) -> int: ...

    def send_signal(self, signal: int, /) -> None:
        """Raises ProcessLookupError once it has ended."""

    async def wait(self) -> int | None:
        """Its exit code, if that can be known."""


class _TakenUp:
    """A process that is no child of ours."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)

    def send_signal(self, number: int, /) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> None:
        await until_readable(self._pidfd)

    def __del__(self) -> None:
        os.close(self._pidfd)


class Supervisor:
    """Our own containerd: started, started again when it dies, stopped at the end."""

    def __init__(self, config: EngineConfig, binary: str) -> None:
        self._config = config
        self._binary = binary
        self._directory = config.exec_root / "containerd"
        self._process: _Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.socket = self._directory / "containerd.sock"

    async def start(self) -> None:
        """Start it and wait until it serves. Raises Unavailable with where to look."""
        self._configure()
        self._process = await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name="supervise containerd")
        try:
            await _wait_until_serving(self._config, str(self.socket))
        except Unavailable as err:
            await self.stop()
            raise Unavailable(f"containerd does not come up, see {self._log}: {err}") from err

    async def take_up(self) -> None:
        """Take the one that an engine which was killed has left. Raises Unavailable."""
        self._configure()
        await _wait_until_serving(self._config, str(self.socket))
        try:
            self._process = _TakenUp(listener(str(self.socket)))
        except OSError as err:
            raise Unavailable(f"containerd has ended just now: {err}; try again") from err
        log.info("taking up the containerd of an engine before, PID %d", self._process.pid)
        self._keeper = asyncio.create_task(self._keep(), name="supervise containerd")

    def _configure(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        (self._directory / "config.toml").write_text(
            CONFIG.format(
                root=self._config.data_root / "containerd",
                state=self._directory / "state",
                socket=self.socket,
            )
        )

    @property
    def _log(self) -> Path:
        return self._directory / "containerd.log"

    async def _spawn(self) -> _Process:
        with self._log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                self._binary,
                "--config",
                str(self._directory / "config.toml"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        log.info("started containerd, PID %d", process.pid)
        return process

    async def _keep(self) -> None:
        while self._process is not None:
            code = await self._process.wait()
            how = "" if code is None else f" with code {code}"
            log.error("containerd has ended%s; it is started again", how)
            await asyncio.sleep(_RESTART_DELAY)
            self._process = await self._spawn()

    async def stop(self) -> None:
        """Stop it; the containers' shims live on. Safe to call twice."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                process.send_signal(signal.SIGKILL)
                await process.wait()
