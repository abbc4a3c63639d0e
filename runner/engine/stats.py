"""What a container uses, now and from second to second (moby daemon/stats.go, daemon/stats).

Whoever looks at a container shares one collector with all others who do. It asks containerd once a
second, and only while somebody looks. Nothing is queued: a client that reads too slowly misses
frames, and gets the present one when it comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.engine.sysinfo import memory_total
from runner.linux import procstat
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError, System
from runner.types.modes import NetworkMode
from runner.types.stats import CPUStats, NetworkStats, StatsResponse
from runner.types.times import ZERO_TIME

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_INTERVAL: Final = 1.0
"""Seconds between two looks."""


async def container_stats(
    engine: Engine, reference: str, *, stream: bool, one_shot: bool
) -> AsyncGenerator[StatsResponse, None]:
    """One frame, or with `stream` one a second until the container goes (moby ContainerStats).

    Without `one_shot` a single frame is the second one, so that it tells what has happened within
    a second. A container that does not run has empty frames. Raises NotFound, InvalidParameter.
    """
    container = engine.containers.get(reference)
    if stream and one_shot:
        raise InvalidParameter("cannot have stream=true and one-shot=true")
    state = container.state
    if not stream and (not state.running or state.restarting):
        return _only(_empty(container))
    if one_shot:
        return _only(await get_container_stats(engine, container))
    frames = _frames(engine.stats, container)
    return frames if stream else _second(frames)


async def _only(frame: StatsResponse) -> AsyncGenerator[StatsResponse, None]:
    yield frame


async def _second(
    frames: AsyncGenerator[StatsResponse, None],
) -> AsyncGenerator[StatsResponse, None]:
    """The second frame alone: the first one's CPU time is there to be compared with."""
    async with contextlib.aclosing(frames):
        await anext(frames, None)
        async for frame in frames:
            yield frame
            return


async def _frames(
    collector: StatsCollector, container: Container
) -> AsyncGenerator[StatsResponse, None]:
    """Each frame with the CPU time of the one before it."""
    before, before_read = CPUStats(), ZERO_TIME
    with collector.subscription(container) as feed:
        while (stats := await feed.next()) is not None:
            yield msgspec.structs.replace(
                stats,
                name=f"/{container.name}",
                id=container.id,
                precpu_stats=before,
                preread=before_read,
            )
            before, before_read = stats.cpu_stats, stats.read


class StatsCollector:
    """One loop for each container that somebody looks at (moby stats.Collector)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._feeds: dict[str, _Feed] = {}

    @contextlib.contextmanager
    def subscription(self, container: Container) -> Iterator[_Feed]:
        """The container's frames, while inside; they end with the container."""
        feed = self._feeds.get(container.id) or self._start(container)
        feed.subscribers += 1
        try:
            yield feed
        finally:
            feed.subscribers -= 1
            if not feed.subscribers:
                self.stop_collection(container)

    def stop_collection(self, container: Container) -> None:
        """The container is gone, or nobody looks any more. Idempotent (moby StopCollection)."""
        feed = self._feeds.pop(container.id, None)
        if feed is not None:
            feed.collecting.cancel()
            feed.publish(None)  # not left to the task, which may not even have begun

    @property
    def watched(self) -> int:
        """How many containers are being looked at."""
        return len(self._feeds)

    def _start(self, container: Container) -> _Feed:
        collecting = self._engine.background(
            self._collect(container), f"collect stats of {container.id}"
        )
        feed = self._feeds[container.id] = _Feed(collecting)
        return feed

    async def _collect(self, container: Container) -> None:
        feed = self._feeds[container.id]
        try:
            while True:
                feed.publish(await self._look(container))
                await asyncio.sleep(_INTERVAL)
        finally:
            feed.publish(None)

    async def _look(self, container: Container) -> StatsResponse:
        try:
            return await get_container_stats(self._engine, container)
        except RunnerError as err:
            log.error("collecting stats: %s", err, extra={"container": container.id})
            return _empty(container)


class _Feed:
    """The frames of one container: a future that everybody awaits, and then the next one."""

    def __init__(self, collecting: asyncio.Task[None]) -> None:
        self.collecting = collecting
        self.subscribers = 0
        self._coming = self._future()

    def publish(self, stats: StatsResponse | None) -> None:
        """Give the frame to all who wait; None is the end."""
        if not self._coming.done():
            self._coming.set_result(stats)
        if stats is not None:
            self._coming = self._future()

    async def next(self) -> StatsResponse | None:
        """The frame that comes next, or None when no more will."""
        # shielded: a client that goes away must not take the frame from the others
        return await asyncio.shield(self._coming)

    @staticmethod
    def _future() -> asyncio.Future[StatsResponse | None]:
        return asyncio.get_running_loop().create_future()


async def get_container_stats(engine: Engine, container: Container) -> StatsResponse:
    """What the container uses now, without its name, or an empty frame with its name when it does
    not run (moby GetContainerStats).

    Raises RunnerError for what keeps the figures from being read.
    """
    try:
        stats = await _cgroup_stats(engine, container)
        cpu = stats.cpu_stats
        # close to the container's own time, so that the two can be compared
        cpu.system_cpu_usage, cpu.online_cpus = _system_cpu_usage()
        if not container.config.network_disabled:
            stats.networks = _network_stats(engine, container)
    except (Conflict, NotFound):
        return _empty(container)
    return stats


def _empty(container: Container) -> StatsResponse:
    return StatsResponse(name=f"/{container.name}", id=container.id)


async def _cgroup_stats(engine: Engine, container: Container) -> StatsResponse:
    container.check_running()
    stats = await engine.containerd.tasks.stats(container.id)
    # a cgroup without a limit has an astronomic one
    stats.memory_stats.limit = min(stats.memory_stats.limit, memory_total())
    return stats


def _system_cpu_usage() -> tuple[int, int]:
    try:
        with open("/proc/stat") as file:
            return procstat.cpu_time(file)
    except (OSError, ValueError) as err:
        raise System(f"error scanning /proc/stat file: {err}") from err


def _network_stats(engine: Engine, container: Container) -> dict[str, NetworkStats]:
    """Of the interfaces that the engine has made (moby getNetworkStats)."""
    made = engine.network.interfaces(_sandbox_owner(engine, container).id)
    if not made:
        return {}
    try:
        lines = Path(f"/proc/{container.state.pid}/net/dev").read_text().splitlines()
    except OSError as err:  # the process has just ended
        raise NotFound(f"no network of container {container.id}: {err}") from err
    found = procstat.traffic(lines)
    return {name: NetworkStats(**asdict(found[name])) for name in made if name in found}


def _sandbox_owner(engine: Engine, container: Container) -> Container:
    """Whose network it is: another's in `container:` mode (moby getNetworkSandboxID).

    A name may have come to mean a container that itself joined this one's: then it is nobody's.
    """
    passed: set[str] = set()
    while (mode := NetworkMode(container.host_config.network_mode)).is_container:
        if container.id in passed:
            return container
        passed.add(container.id)
        container = engine.containers.get(mode.container)
    return container
