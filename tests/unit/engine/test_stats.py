"""Watching what containers use: one collector for all who watch, and none when nobody does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine import stats
from runner.engine.stats import StatsCollector, container_stats
from runner.engine.sysinfo import memory_total
from runner.types.container import Config, HostConfig
from runner.types.errors import InvalidParameter, NotFound, System
from runner.types.stats import CPUStats, CPUUsage, MemoryStats, StatsResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.engine.container import Container
    from tests.unit.engine.support import FakeEngine


class Tasks:
    """Counts how often it is asked; each answer has that number as CPU time."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.limit = 100

    async def stats(self, _: str) -> StatsResponse:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return StatsResponse(
            read=f"read {self.asked}",
            cpu_stats=CPUStats(CPUUsage(total_usage=self.asked)),
            memory_stats=MemoryStats(usage=1, limit=self.limit),
        )


@pytest.fixture(autouse=True)
def _no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_INTERVAL", 0.001)


@pytest.fixture
def engine(fake_engine: FakeEngine) -> FakeEngine:
    fake_engine.containerd = SimpleNamespace(tasks=Tasks())
    fake_engine.stats = StatsCollector(fake_engine)  # type: ignore[arg-type]
    box = fake_engine.add(config=Config(image="busybox", network_disabled=True))
    box.state.running = True
    return fake_engine


async def watch(
    engine: FakeEngine, *, stream: bool = True, one_shot: bool = False
) -> AsyncGenerator[StatsResponse, None]:
    whole: Any = engine
    return await container_stats(whole, "box", stream=stream, one_shot=one_shot)


async def frames(engine: FakeEngine, count: int) -> list[StatsResponse]:
    stream = await watch(engine)
    found = [await anext(stream) for _ in range(count)]
    await stream.aclose()
    return found


def box_of(engine: FakeEngine) -> Container:
    box: Container = engine.containers.get("box")
    return box


async def test_a_frame_has_the_cpu_time_of_the_one_before(engine: FakeEngine) -> None:
    first, second = await frames(engine, 2)
    assert (first.name, first.id) == ("/box", box_of(engine).id)
    assert first.precpu_stats == CPUStats()
    assert first.preread == "0001-01-01T00:00:00Z"
    assert second.precpu_stats == first.cpu_stats
    assert second.preread == first.read
    assert second.cpu_stats.system_cpu_usage > 0
    assert second.cpu_stats.online_cpus >= 1


async def test_one_frame_without_a_stream_is_the_second(engine: FakeEngine) -> None:
    (only,) = [frame async for frame in await watch(engine, stream=False)]
    assert (only.precpu_stats.cpu_usage.total_usage, only.cpu_stats.cpu_usage.total_usage) == (1, 2)
    assert engine.stats.watched == 0


async def test_one_shot_does_not_wait_for_a_second_frame(engine: FakeEngine) -> None:
    (only,) = [frame async for frame in await watch(engine, stream=False, one_shot=True)]
    assert only.precpu_stats == CPUStats()
    assert engine.containerd.tasks.asked == 1


async def test_a_stream_in_one_shot_is_a_contradiction(engine: FakeEngine) -> None:
    with pytest.raises(InvalidParameter, match="cannot have stream=true and one-shot=true"):
        await watch(engine, one_shot=True)


async def test_fifty_watchers_ask_once(engine: FakeEngine) -> None:
    watchers = [asyncio.create_task(frames(engine, 3)) for _ in range(50)]
    found = await asyncio.gather(*watchers)
    assert engine.containerd.tasks.asked < 10
    assert {len(seen) for seen in found} == {3}
    assert engine.stats.watched == 0


async def test_nobody_is_asked_when_nobody_watches(engine: FakeEngine) -> None:
    await frames(engine, 1)
    await asyncio.sleep(0.01)
    asked = engine.containerd.tasks.asked
    await asyncio.sleep(0.02)
    assert engine.containerd.tasks.asked == asked


async def test_one_who_leaves_takes_no_frame_from_the_others(engine: FakeEngine) -> None:
    staying = asyncio.create_task(frames(engine, 5))
    leaving = asyncio.create_task(frames(engine, 1000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    assert len(await staying) == 5
    await asyncio.gather(leaving, return_exceptions=True)
    assert engine.stats.watched == 0


async def test_a_slow_watcher_misses_frames_and_keeps_nothing(engine: FakeEngine) -> None:
    stream = await watch(engine)
    first = await anext(stream)
    while engine.containerd.tasks.asked < 20:
        await asyncio.sleep(0.001)
    second = await anext(stream)
    assert second.cpu_stats.cpu_usage.total_usage >= 20
    assert second.precpu_stats == first.cpu_stats
    await stream.aclose()


async def test_a_container_that_stops_has_empty_frames(engine: FakeEngine) -> None:
    stream = await watch(engine)
    await anext(stream)
    box_of(engine).state.running = False
    while (frame := await anext(stream)).cpu_stats.cpu_usage.total_usage:
        pass
    assert frame == StatsResponse(
        name="/box",
        id=box_of(engine).id,
        precpu_stats=frame.precpu_stats,
        preread=frame.preread,
    )
    await stream.aclose()


async def test_the_stream_ends_with_the_container(engine: FakeEngine) -> None:
    stream = await watch(engine)
    await anext(stream)
    rest = asyncio.create_task(anext(stream, None))
    await asyncio.sleep(0)
    engine.stats.stop_collection(box_of(engine))
    assert await rest is None
    assert engine.stats.watched == 0


@pytest.mark.parametrize("error", [NotFound("no task"), System("broken")])
async def test_what_cannot_be_read_is_an_empty_frame(engine: FakeEngine, error: Exception) -> None:
    engine.containerd.tasks.error = error
    (frame,) = await frames(engine, 1)
    assert frame == StatsResponse(name="/box", id=box_of(engine).id)


async def test_no_limit_is_the_hosts_memory(engine: FakeEngine) -> None:
    engine.containerd.tasks.limit = 2**63
    (frame,) = await frames(engine, 1)
    assert frame.memory_stats.limit == memory_total()


async def test_a_networks_figures_are_its_owners(engine: FakeEngine) -> None:
    owner = box_of(engine)
    sharing = engine.add("sharing", host_config=HostConfig(network_mode=f"container:{owner.id}"))
    sharing.state.running = True
    sharing.state.pid = 1  # some process that has a network
    asked = []

    def interfaces(container_id: str) -> list[str]:
        asked.append(container_id)
        return ["lo", "gone"]

    engine.network = SimpleNamespace(interfaces=interfaces)
    whole: Any = engine
    frame = await stats.get_container_stats(whole, sharing)
    assert asked == [owner.id]
    assert list(frame.networks) == ["lo"]


async def test_one_frame_of_a_container_that_goes_meanwhile_is_none(engine: FakeEngine) -> None:
    stream = await watch(engine, stream=False)
    frame = asyncio.create_task(anext(stream, None))
    await asyncio.sleep(0)
    engine.stats.stop_collection(box_of(engine))
    assert await frame is None


async def test_networks_that_are_joined_in_a_ring(engine: FakeEngine) -> None:
    one = engine.add("one", host_config=HostConfig(network_mode="container:two"))
    two = engine.add("two", host_config=HostConfig(network_mode=f"container:{one.id}"))
    engine.network = SimpleNamespace(interfaces=lambda _: [])
    for container in (one, two):
        container.state.running = True
        frame = await stats.get_container_stats(engine, container)  # type: ignore[arg-type]
        assert frame.networks == {}
