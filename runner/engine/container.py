"""A container: its durable record and what lives with it while the engine runs.

Source: moby daemon/container.Container.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine.freezing import ExecStarts
from runner.engine.restart_manager import RestartManager
from runner.engine.state import State, Waiters
from runner.engine.stdio import Streams
from runner.types.container import Config, HostConfig, NetworkSettings
from runner.types.errors import Conflict
from runner.types.image import Descriptor
from runner.volume import MountPoint

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.containerd.values import Mount
    from runner.engine.execs import Exec
    from runner.engine.exit_status import ExitStatus
    from runner.logs import LogDriver


class ContainerRecord(msgspec.Struct):
    """Everything about a container that survives the engine."""

    id: str
    name: str
    created: str
    path: str
    args: list[str]
    config: Config
    host_config: HostConfig
    image_id: str
    image_name: str
    image_manifest: Descriptor | None
    driver: str
    platform: str
    state: State = msgspec.field(default_factory=State)
    network_settings: NetworkSettings = msgspec.field(default_factory=NetworkSettings)
    network: bytes = b""
    mac_addresses: dict[str, str] = msgspec.field(default_factory=dict)
    links: dict[str, str] = msgspec.field(default_factory=dict)
    files_of: str = ""
    mount_points: dict[str, MountPoint] = msgspec.field(default_factory=dict)
    restart_count: int = 0
    has_been_started_before: bool = False
    has_been_manually_stopped: bool = False
    has_been_manually_restarted: bool = False
    app_armor_profile: str = ""


class ContainerLock(asyncio.Lock):
    """While it is held, what is logged is about its container."""

    def __init__(self, container_id: str) -> None:
        super().__init__()
        self._container_id = container_id
        self._about: AbstractContextManager[None] = nullcontext()

    async def __aenter__(self) -> None:
        await super().__aenter__()
        self._about = trace.about(self._container_id)
        self._about.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self._about.__exit__(None, None, None)
        await super().__aexit__(None, None, None)


class Container:
    """The live object. `lock` is held as moby holds container.Lock(): for the whole of a start,
    stop or removal, never across the wait for the process itself."""

    def __init__(self, record: ContainerRecord, directory: Path, runtime_dir: Path) -> None:
        self.record = record
        self.directory = directory
        self.runtime_dir = runtime_dir
        self.lock = ContainerLock(record.id)
        self.waiters = Waiters()
        self.streams = Streams()
        self.log_driver: LogDriver | None = None
        self.restart_manager: RestartManager | None = None
        self.monitor: asyncio.Task[None] | None = None
        self.exit_event: asyncio.Future[ExitStatus] | None = None
        self.restart: asyncio.Task[None] | None = None
        self.teardown: asyncio.Task[bool] | None = None
        self.layer_mounts: list[Mount] | None = None
        self.spec: bytes | None = None
        self.health_monitor: asyncio.Task[None] | None = None
        self.execs: dict[str, Exec] = {}
        self.exec_starts = ExecStarts()
        self.removed = False

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def name(self) -> str:
        """The name without moby's leading slash."""
        return self.record.name

    @property
    def state(self) -> State:
        return self.record.state

    @property
    def config(self) -> Config:
        return self.record.config

    @property
    def host_config(self) -> HostConfig:
        return self.record.host_config

    def check_running(self) -> None:
        """Raise Conflict unless it runs; restarting is a kind of running (moby GetRunningTask)."""
        if not self.state.running:
            raise Conflict(f"container {self.id} is not running")

    def check_not_restarting(self) -> None:
        """Raise Conflict while it waits to be started again (moby errContainerIsRestarting)."""
        if self.state.restarting:
            raise Conflict(
                f"Container {self.id} is restarting, wait until the container is running"
            )

    def get_restart_manager(self) -> RestartManager:
        """The back-off of this series of restarts (moby RestartManager)."""
        if self.restart_manager is None:
            self.restart_manager = RestartManager(
                self.host_config.restart_policy, self.record.restart_count
            )
        return self.restart_manager

    async def reset(self, *, over: bool = True) -> None:
        """End the run's streams and its log (moby Reset); `over` unless the run itself goes on.

        Clients that attach from now on are attached to the next run.
        """
        self.spec = None
        streams, self.streams = self.streams, Streams()
        try:
            await streams.end(over=over)
        finally:
            # until here, so that whoever reads meanwhile makes no second driver for what is written
            driver, self.log_driver = self.log_driver, None
            if driver is not None:
                await driver.close()

    def tell_exit(self, exit_status: ExitStatus) -> None:
        """The run has ended, says somebody who knows; the first to say so is heard."""
        if self.exit_event is not None and not self.exit_event.done():
            self.exit_event.set_result(exit_status)

    async def finish_teardown(self) -> None:
        """Wait until the previous run has been given back."""
        if self.teardown is not None:
            await asyncio.wait({self.teardown})
            self.teardown = None
