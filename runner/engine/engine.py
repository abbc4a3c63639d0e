"""The composition root: builds the services, opens and closes them (moby NewDaemon, Shutdown)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from runner import __version__, trace
from runner.containerd.client import Containerd
from runner.engine import info, networking, restore
from runner.engine.attempt import attempt
from runner.engine.containerd_service import find_containerd
from runner.engine.containers import Containers
from runner.engine.disk_usage import SingleFlight
from runner.engine.events import Events
from runner.engine.execs import Execs
from runner.engine.keeper import Keeper
from runner.engine.leftovers import Leftovers
from runner.engine.metrics import Metrics
from runner.engine.monitor import Monitor
from runner.engine.networks import Networks
from runner.engine.prune import Pruning
from runner.engine.shutdown import shut_down_containers, shutdown_timeout
from runner.engine.snapshotter import choose_snapshotter
from runner.engine.state import count_states
from runner.engine.stats import StatsCollector
from runner.engine.sysinfo import memory_total, read_sysinfo
from runner.engine.task_events import follow_task_events
from runner.engine.verify.platform import verify_cgroup_parent
from runner.files.service import FileService
from runner.image.registry.hosts import RegistryHosts
from runner.image.store import ImageStore
from runner.logs import validate_log_opts
from runner.oci.host import read_host
from runner.store import Store
from runner.trace.recordings import Recordings
from runner.types.errors import AlreadyExists, RunnerError
from runner.volume import VolumeStore

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from runner.engine.config import EngineConfig
    from runner.network import NetworkController
    from runner.types.container import LogConfig

log = logging.getLogger(__name__)

T = TypeVar("T")


class Engine:
    """What the verbs work with. It has no verbs of its own.

    `open` makes everything ready and restores the containers; `close` leaves running containers
    running and their networks in place, unless live-restore is off.
    """

    containerd: Containerd
    images: ImageStore
    network: NetworkController
    networks: Networks
    volumes: VolumeStore

    def __init__(self, config: EngineConfig, recordings: Recordings | None = None) -> None:
        self.config = config
        self.events = Events()
        self.metrics = Metrics()
        self.monitor = Monitor(self)
        self.execs = Execs()
        self.stats = StatsCollector(self)
        self.pruning = Pruning()
        self.counting = SingleFlight(self.background)
        self.recordings = recordings or Recordings()
        self.closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._resources = AsyncExitStack()

    async def open(self) -> restore.Report:
        """Connect, and restore the containers. Raises InvalidParameter for default settings that no
        container could have, Unavailable without containerd, Conflict when another engine uses
        the same data root."""
        config = self.config
        _check_log_config(config.log_config)
        config.make_directories()
        self.host = await asyncio.to_thread(read_host, config.default_runtime)
        verify_cgroup_parent(config.cgroup_parent, systemd=self.host.uses_systemd)
        async with AsyncExitStack() as resources:
            self.id = info.engine_id(config.data_root)
            self.store = Store(config.data_root / "runner.db")
            resources.callback(self.store.close)
            address = await find_containerd(config, resources)
            config = config.with_snapshotter(await choose_snapshotter(config, address))
            self.config = config
            self.containerd = await resources.enter_async_context(
                Containerd(
                    address,
                    config.containerd_namespace,
                    snapshotter=config.snapshotter,
                    on_answer=self.metrics.containerd_request,
                )
            )
            await self._ensure_namespace()
            hosts = RegistryHosts(config.certs_dirs)
            self.images = ImageStore(self.containerd, config.snapshotter, hosts)
            self.volumes = VolumeStore(
                config.data_root / "volumes", partial(self.events.publish, "volume")
            )
            await self.volumes.open()
            self.networks = Networks(self.store.networks)
            self.network = networking.make_controller(self)
            resources.push_async_callback(self.network.close)
            self.files = FileService()
            resources.push_async_callback(self.files.close)
            await networking.enable_forwarding(self)
            self.sysinfo = await asyncio.to_thread(read_sysinfo, self.host)
            for warning in self.sysinfo.warnings:
                log.warning("%s", warning)
            self.containers = Containers(self.store, config)
            self._describe()
            self.leftovers = Leftovers(self)
            self.keeper = Keeper(config.exec_root / "keeper.sock")
            await self.keeper.open()
            resources.callback(self.keeper.close)
            self.background(follow_task_events(self), "follow task events")
            self.background(self.execs.collect_garbage(), "collect ended execs")
            with trace.continued(self.recordings.place(config.traceparent)):
                report = await restore.restore(self)
            log.info("restored: %s", report)
            self._resources = resources.pop_all()
        return report

    def _describe(self) -> None:
        """What the metrics tell besides what happens (moby NewDaemon)."""
        version = {"version": __version__, "commit": "", "graphdriver": self.config.snapshotter}
        self.metrics.describe(
            {**version, "daemon_id": self.id, **info.host_labels(self.host)},
            cpus=self.sysinfo.cpu_count,
            memory=memory_total(),
        )
        self.metrics.watch(
            subscribers=lambda: self.events.listeners,
            states=lambda: count_states(container.state for container in self.containers),
        )
        self.events.observe(lambda _: self.metrics.event())

    async def _ensure_namespace(self) -> None:
        with suppress(AlreadyExists):
            await self.containerd.namespaces.create(self.config.containerd_namespace)

    async def close(self) -> None:
        """Finish what removals have begun, and let go of everything. Containers go on running, or
        are stopped first where live-restore is off."""
        self.closing = True
        try:
            async with asyncio.timeout(shutdown_timeout(self, self.containers)):
                if not self.config.live_restore:
                    await shut_down_containers(self)
                await self._settle()
        except TimeoutError:
            log.warning("not everything was cleaned up in time; the next start goes on with it")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # all at once: a log whose server hangs is waited for some seconds
        resets = (
            attempt(container.reset(over=False), "close the streams and the log")
            for container in self.containers
        )
        await asyncio.gather(*resets)
        await self._resources.aclose()

    async def _settle(self) -> None:
        for container in self.containers:
            await container.finish_teardown()
        await self.leftovers.settled()

    def background(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` beside everything else; kept alive here, and its failure is logged."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, RunnerError):
            log.info("%s failed: %s", task.get_name(), error)
        else:
            log.error("%s failed", task.get_name(), exc_info=error)


def _check_log_config(config: LogConfig) -> None:
    """moby defaultLogConfig, which looks at no driver without options."""
    try:
        validate_log_opts(config)
    except RunnerError as err:
        raise err.wrap("failed to set log opts") from err
