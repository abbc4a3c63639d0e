"""Finding containers, their names, and what is remembered of them."""

from pathlib import Path

import pytest

from runner.engine.config import EngineConfig
from runner.engine.container import Container, ContainerRecord
from runner.engine.containers import Containers
from runner.store import Store
from runner.types.container import Config, HostConfig
from runner.types.errors import Conflict, InvalidParameter, NotFound

FIRST, SECOND = "abc1" + "0" * 60, "abc2" + "0" * 60


def record(container_id: str, name: str) -> ContainerRecord:
    return ContainerRecord(
        id=container_id,
        name=name,
        created="2026-01-02T03:04:05Z",
        path="sh",
        args=[],
        config=Config(image="busybox", env=["A=1"]),
        host_config=HostConfig(memory=5),
        image_id="sha256:1",
        image_name="docker.io/library/busybox:latest",
        image_manifest=None,
        driver="overlayfs",
        platform="linux",
    )


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    return EngineConfig(data_root=tmp_path / "data", exec_root=tmp_path / "exec")


@pytest.fixture
def containers(config: EngineConfig):
    store = Store(config.data_root / "runner.db")
    yield Containers(store, config)
    store.close()


def add(containers: Containers, container_id: str, name: str) -> Container:
    containers.reserve_name(container_id, name)
    container = containers.make(record(container_id, name))
    containers.add(container)
    containers.checkpoint(container)
    return container


def test_lookup_is_by_id_then_name_then_prefix(containers: Containers) -> None:
    first, second = add(containers, FIRST, "web"), add(containers, SECOND, "abc1")
    assert containers.get(FIRST) is first
    assert containers.get("web") is first
    assert containers.get("/web") is first
    assert containers.get("abc1") is second  # a name wins over another's prefix
    assert containers.get("abc10") is first


def test_bad_references(containers: Containers) -> None:
    add(containers, FIRST, "web")
    add(containers, SECOND, "db")
    with pytest.raises(InvalidParameter, match="multiple IDs found with provided prefix: abc"):
        containers.get("abc")
    with pytest.raises(NotFound, match="No such container: cache"):
        containers.get("cache")
    with pytest.raises(InvalidParameter, match='invalid name or ID supplied: ""'):
        containers.get("")


def test_a_taken_name_says_by_whom(containers: Containers) -> None:
    add(containers, FIRST, "web")
    with pytest.raises(Conflict) as taken:
        containers.reserve_name(SECOND, "web")
    assert str(taken.value) == (
        f'Conflict. The container name "/web" is already in use by container "{FIRST}".'
        " You have to remove (or rename) that container to be able to reuse that name."
    )


def test_releasing_a_name_that_another_has_changes_nothing(containers: Containers) -> None:
    add(containers, FIRST, "web")
    containers.release_name(SECOND, "web")
    assert containers.get("web").id == FIRST


def test_a_forgotten_container_is_gone_and_its_leftover_stays(
    containers: Containers, config: EngineConfig
) -> None:
    container = add(containers, FIRST, "web")
    containers.forget(container, b"left")
    with pytest.raises(NotFound):
        containers.get(FIRST)
    containers.reserve_name(SECOND, "web")
    assert containers._store.leftovers.all() == [(FIRST, b"left")]
    containers.checkpoint(container)  # a late checkpoint does not bring it back
    assert containers._store.containers.all() == []


def test_records_come_back_whole(containers: Containers, config: EngineConfig) -> None:
    container = add(containers, FIRST, "web")
    container.state.set_running(42, "2026-01-02T03:04:06Z")
    containers.checkpoint(container)
    (loaded,) = Containers(containers._store, config).load()
    assert loaded.record == container.record


def test_a_record_of_another_version_is_left_alone(
    containers: Containers, config: EngineConfig
) -> None:
    add(containers, FIRST, "web")
    containers._store.containers.save(SECOND, "old", b'{"id": 5}')
    reloaded = Containers(containers._store, config)
    assert [container.id for container in reloaded.load()] == [FIRST]
    assert reloaded.unreadable == {SECOND}
