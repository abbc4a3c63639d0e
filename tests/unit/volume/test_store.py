"""Volumes: made once, referred to, removed when nobody does; known again after a restart."""

import asyncio
import re
from pathlib import Path

import pytest

from runner.types.errors import Conflict, InvalidParameter, NotFound, System
from runner.volume import VolumeStore
from runner.volume import store as store_module
from runner.volume.store import ANONYMOUS_LABEL

Event = tuple[str, str, dict[str, str]]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def store(tmp_path: Path, events: list[Event]) -> VolumeStore:
    store = VolumeStore(tmp_path / "volumes", lambda *event: events.append(event))
    await store.open()
    return store


async def test_a_volume_is_a_directory(store: VolumeStore, tmp_path: Path) -> None:
    volume = await store.create("data", labels={"a": "b"})
    assert volume.mountpoint == tmp_path / "volumes/data/_data"
    assert volume.mountpoint.stat().st_mode & 0o777 == 0o755
    assert volume.mountpoint.parent.stat().st_mode & 0o777 == 0o701
    assert (volume.driver, volume.labels, volume.options) == ("local", {"a": "b"}, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", volume.created_at)


async def test_the_same_name_is_the_same_volume(store: VolumeStore, events: list[Event]) -> None:
    first = await store.create("data", labels={"a": "b"})
    again = await store.create("data", "local", labels={"c": "d"})
    assert again == first
    assert events == [("create", "data", {"driver": "local"})]


async def test_at_once(store: VolumeStore, events: list[Event]) -> None:
    made = await asyncio.gather(*(store.create("data", reference=str(n)) for n in range(8)))
    assert len(set(map(id, made))) == 1
    assert len(events) == 1
    assert store.references("data") == [str(n) for n in range(8)]


async def test_anonymous(store: VolumeStore) -> None:
    volume = await store.create("", labels={"a": "b"})
    assert re.fullmatch("[0-9a-f]{64}", volume.name)
    assert volume.labels == {"a": "b", ANONYMOUS_LABEL: ""}


@pytest.mark.parametrize("name", ["./a", "a/b", "../up", "-a", "_a", "a b", "é!", "ab\n"])
async def test_names_that_are_not(store: VolumeStore, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="includes invalid characters for a local volume"):
        await store.create(name)
    assert list(tmp_path.glob("**/*")) == [tmp_path / "volumes"]


async def test_the_words_of_wrong_names(store: VolumeStore) -> None:
    with pytest.raises(InvalidParameter) as caught:
        await store.create("./a")
    assert str(caught.value) == (
        'create ./a: "./a" includes invalid characters for a local volume name, only '
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
        "use absolute path"
    )
    with pytest.raises(InvalidParameter) as caught:
        await store.create("a")
    assert str(caught.value) == (
        "create a: volume name is too short, names should be at least two alphanumeric characters"
    )


async def test_wrong_options_make_nothing(store: VolumeStore) -> None:
    with pytest.raises(InvalidParameter, match='create data: invalid option: "x"'):
        await store.create("data", options={"x": "y"})
    assert store.volumes() == []
    with pytest.raises(NotFound):
        await store.get("data")


async def test_other_drivers_are_plugins_that_are_not_there(store: VolumeStore) -> None:
    with pytest.raises(NotFound) as caught:
        await store.create("data", "foo")
    assert str(caught.value) == (
        'create data: error looking up volume plugin foo: plugin "foo" not found'
    )


async def test_missing(store: VolumeStore) -> None:
    for attempt in (store.get("x"), store.remove("x"), store.mount("x", "c")):
        with pytest.raises(NotFound, match=r"^get x: no such volume$"):
            await attempt


async def test_removal(store: VolumeStore, tmp_path: Path, events: list[Event]) -> None:
    volume = await store.create("data", reference="c1")
    await store.get("data", reference="c2")
    (volume.mountpoint / "file").touch()
    with pytest.raises(Conflict, match=r"^remove data: volume is in use - \[c1, c2\]$"):
        await store.remove("data")
    for reference in ("c1", "c2", "c2"):
        store.release("data", reference)
    await store.remove("data")
    assert list((tmp_path / "volumes").iterdir()) == []
    assert events[-1] == ("destroy", "data", {"driver": "local"})
    assert store.volumes() == []


async def test_a_link_in_the_volume_is_not_followed(store: VolumeStore, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    volume = await store.create("data")
    (volume.mountpoint / "link").symlink_to(tmp_path / "precious")
    await store.remove("data")
    assert (tmp_path / "precious/file").exists()


async def test_after_a_restart(store: VolumeStore, tmp_path: Path) -> None:
    await store.create("one", labels={"a": "b"}, options={})
    await store.create("two", options={"type": "none", "device": "/x", "o": "bind"})
    again = VolumeStore(tmp_path / "volumes")
    await again.open()
    assert again.volumes() == store.volumes()
    again.restore("one", "c1", mounted=True)
    again.restore("gone", "c1", mounted=True)
    assert again.references("one") == ["c1"]
    assert again.references("gone") == []


async def test_killed_while_making_a_volume(tmp_path: Path) -> None:
    (tmp_path / "volumes/half").mkdir(parents=True)
    store = VolumeStore(tmp_path / "volumes")
    await store.open()
    assert [volume.name for volume in store.volumes()] == ["half"]
    await store.remove("half")
    assert not (tmp_path / "volumes/half").exists()


@pytest.mark.parametrize("content", ["", "{", "[]"])
async def test_a_volume_whose_options_are_broken_is_there_but_not_mounted(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad/_data").mkdir(parents=True)
    (tmp_path / "bad/opts.json").write_text(content)
    store = VolumeStore(tmp_path)
    await store.open()
    assert [volume.name for volume in store.volumes()] == ["bad"]
    said = "error while unmarshaling volume options for volume: bad: "
    assert said in caplog.text
    with pytest.raises(System, match=said):
        await store.mount("bad", "box")
    await store.remove("bad")
    assert not (tmp_path / "bad").exists()


async def test_holding_a_plain_volume(store: VolumeStore) -> None:
    volume = await store.create("data")
    assert await store.mount("data", "c1") == volume.mountpoint
    await store.unmount_held("c1")
    await store.unmount_held("c1")
    await store.remove("data")


async def test_removal_waits_for_removed_containers_only(
    store: VolumeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted: set[Path] = set()
    monkeypatch.setattr(store_module, "mount_device", lambda _, target: mounted.add(target))
    monkeypatch.setattr(store_module, "unmount_all", mounted.discard)
    options = {"type": "none", "device": str(tmp_path), "o": "bind"}
    await store.create("data", reference="box", options=options)
    await store.mount("data", "box")
    with pytest.raises(Conflict, match=r"volume is in use - \[box\]"):
        await store.remove("data")
    store.release("data", "box")  # the container is gone for its clients
    removal = asyncio.create_task(store.remove("data"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(removal), 0.05)
    assert mounted
    await store.unmount_held("box")
    await removal
    assert not mounted
    assert store.volumes() == []


async def test_a_retired_volume_is_gone_before_its_content(
    store: VolumeStore, tmp_path: Path, events: list[Event]
) -> None:
    await store.create("data", reference="box")
    store.retire("data")
    assert [volume.name for volume in store.volumes()] == ["data"]  # somebody still refers to it
    store.release("data", "box")
    store.retire("data")
    store.retire("data")
    assert store.volumes() == []
    with pytest.raises(NotFound):
        await store.get("data")
    assert (tmp_path / "volumes/data").is_dir()
    await store.remove("data")
    assert not (tmp_path / "volumes/data").exists()
    assert [event[0] for event in events] == ["create", "destroy"]
    with pytest.raises(NotFound):
        await store.remove("data")
