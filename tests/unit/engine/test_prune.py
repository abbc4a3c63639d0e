"""Which containers a prune takes, and that there is one at a time."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine import prune
from runner.engine.prune import Pruning, containers_prune, until_of
from runner.types.container import Config, PruneReport
from runner.types.errors import Conflict, InvalidParameter, NotFound, System

if TYPE_CHECKING:
    from tests.unit.engine.support import FakeEngine


class Snapshots:
    """Every container has written 7 bytes, except the one named `lost`."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def usage(self, key: str) -> Any:
        if self.engine.containers.get(key).name == "lost":
            raise NotFound("no snapshot")
        return SimpleNamespace(size=7)


@pytest.fixture
def engine(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    async def container_rm(engine: Any, reference: str) -> None:
        await asyncio.sleep(0)
        container = engine.containers.get(reference)
        if container.name == "stuck":
            raise System("it will not go")
        engine.containers.drop(container)

    monkeypatch.setattr(prune, "container_rm", container_rm)
    fake_engine.pruning = Pruning()
    fake_engine.containerd = SimpleNamespace(snapshots=lambda _: Snapshots(fake_engine))
    for name, labels in (("plain", {}), ("red", {"colour": "red"}), ("up", {}), ("stuck", {})):
        fake_engine.add(name, config=Config(image="busybox", labels=labels))
    fake_engine.containers.get("up").state.running = True
    return fake_engine


async def pruned(engine: Any, filters: dict[str, list[str]]) -> PruneReport:
    return await containers_prune(engine, filters)


def names(engine: FakeEngine) -> set[str]:
    return {container.name for container in engine.containers}


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, {"up", "stuck"}),
        ({"label": ["colour"]}, {"up", "stuck", "plain"}),
        ({"label!": ["colour=red"]}, {"up", "stuck", "red"}),
        ({"until": ["2026-01-02T03:04:05Z"]}, {"up", "stuck", "red"}),
        ({"until": ["2026-01-01"]}, {"up", "stuck", "plain", "red"}),
    ],
)
async def test_what_is_left(
    engine: FakeEngine, filters: dict[str, list[str]], left: set[str]
) -> None:
    ids = {container.name: container.id for container in engine.containers}
    report = await pruned(engine, filters)
    assert names(engine) == left
    taken = [ids[name] for name in ("plain", "red") if name not in left]
    assert report == PruneReport(taken or None, 7 * len(taken))
    (event,) = engine.events.past()
    assert (event.type, event.action, event.actor.id) == ("container", "prune", "")
    assert event.actor.attributes == {"reclaimed": str(7 * len(taken))}


async def test_one_whose_layer_is_lost_goes_too(engine: FakeEngine) -> None:
    engine.add("lost")
    report = await pruned(engine, {})
    assert report.space_reclaimed == 14
    assert "lost" not in names(engine)


async def test_a_second_prune_is_refused_while_one_goes_on(engine: FakeEngine) -> None:
    first = asyncio.create_task(pruned(engine, {}))
    await asyncio.sleep(0)
    with pytest.raises(Conflict, match="a prune operation is already running"):
        await pruned(engine, {"nonsense": []})
    await first
    await pruned(engine, {})


async def test_an_unknown_filter_prunes_nothing(engine: FakeEngine) -> None:
    with pytest.raises(InvalidParameter, match="invalid filter 'colour'"):
        await pruned(engine, {"colour": ["red"]})
    assert len(names(engine)) == 4
    assert engine.events.past() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2"], "more than one until filter specified"),
        ([], 'failed to parse value as time or duration: ""'),
        (["then"], 'failed to parse value as time or duration: "then"'),
    ],
)
def test_a_bad_until(values: list[str], message: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        until_of({"until": values})
    assert str(error.value) == message
