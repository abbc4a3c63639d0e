"""Which mounts a new container gets, and whose volumes it refers to."""

from pathlib import Path

import msgspec
import pytest

from runner.types.container import (
    BindOptions,
    HostConfig,
    Mount,
    VolumeDriverConfig,
    VolumeOptions,
)
from runner.types.errors import InvalidParameter, NotFound, RunnerError
from runner.types.wire import to_wire
from runner.volume import (
    MountPoint,
    VolumeStore,
    anonymous_volumes,
    register_mount_points,
    release_mount_points,
    restore_mount_points,
)

CONTAINER = "c" * 64


@pytest.fixture
async def store(tmp_path: Path) -> VolumeStore:
    store = VolumeStore(tmp_path / "root/volumes")
    await store.open()
    return store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def nobody(name: str) -> dict[str, MountPoint]:
    raise NotFound(f"No such container: {name}")


async def register(store: VolumeStore, root: Path, **settings: object) -> dict[str, MountPoint]:
    host_config = HostConfig(**settings)  # type: ignore[arg-type]
    return await register_mount_points(store, CONTAINER, host_config, nobody, daemon_root=root)


async def test_views_as_inspect_shows_them(store: VolumeStore, root: Path) -> None:
    points = await register(
        store,
        root,
        binds=["/a:/a:ro", "data:/b", "data:/c:ro,nocopy"],
        mounts=[Mount(type="tmpfs", target="/t")],
    )
    shown = {destination: to_wire(point.view()) for destination, point in points.items()}
    data = str(root / "volumes/data/_data")
    volume = {"Type": "volume", "Name": "data", "Source": data, "Driver": "local"}
    assert shown == {
        "/a": {
            "Type": "bind",
            "Source": "/a",
            "Destination": "/a",
            "Mode": "ro",
            "RW": False,
            "Propagation": "rprivate",
        },
        "/b": {**volume, "Destination": "/b", "Mode": "z", "RW": True, "Propagation": ""},
        "/c": {
            **volume,
            "Destination": "/c",
            "Mode": "ro,nocopy",
            "RW": False,
            "Propagation": "",
        },
        "/t": {
            "Type": "tmpfs",
            "Source": "",
            "Destination": "/t",
            "Mode": "",
            "RW": True,
            "Propagation": "",
        },
    }
    assert store.references("data") == [CONTAINER]


async def test_they_can_be_kept(store: VolumeStore, root: Path) -> None:
    mount = Mount(type="volume", source="data", target="/t", read_only=True)
    points = await register(store, root, binds=["/a:/b:rslave"], mounts=[mount])
    kept = msgspec.json.encode(points)
    assert msgspec.json.decode(kept, type=dict[str, MountPoint]) == points


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"binds": ["/a:/b", "/c:/b/"]}, "/b"),
        ({"binds": ["/a:/b"], "tmpfs": {"/b": ""}}, "/b"),
        ({"binds": ["/a:/b"], "mounts": [Mount(type="tmpfs", target="/b/.")]}, "/b/."),
    ],
)
async def test_twice_the_same_place(
    store: VolumeStore, root: Path, settings: dict[str, object], shown: str
) -> None:
    with pytest.raises(InvalidParameter, match=f"^Duplicate mount point: {shown}$"):
        await register(store, root, **settings)


async def test_mount_over_tmpfs_is_allowed(store: VolumeStore, root: Path) -> None:
    mounts = [Mount(type="bind", source="/", target="/x")]
    points = await register(store, root, tmpfs={"/x": ""}, mounts=mounts)
    assert points["/x"].type == "bind"


async def test_who_makes_a_missing_source(store: VolumeStore, root: Path) -> None:
    make = BindOptions(create_mountpoint=True)
    points = await register(
        store,
        root,
        binds=["/nope:/a"],
        mounts=[
            Mount(type="bind", source="/nope", target="/b", bind_options=make),
            Mount(type="bind", source="/", target="/c"),
        ],
    )
    made = {destination: point.create_source for destination, point in points.items()}
    assert made == {"/a": True, "/b": True, "/c": False}


async def test_volume_options_reach_the_volume(store: VolumeStore, root: Path) -> None:
    driver = VolumeDriverConfig(options={"size": "0"})
    options = VolumeOptions(labels={"a": "b"}, driver_config=driver)
    await register(
        store, root, mounts=[Mount(type="volume", source="v1", target="/v", volume_options=options)]
    )
    (volume,) = store.volumes()
    assert (volume.labels, volume.options) == ({"a": "b"}, {"size": "0"})


@pytest.mark.parametrize(
    "settings",
    [
        {"binds": ["one:/a", "two:/b", "/x:/y:bad"]},
        {"binds": ["one:/a", "two:/b", "!!:/c"]},
        {"binds": ["one:/a"], "mounts": [Mount(type="bind", source="/nope", target="/x")]},
    ],
)
async def test_a_failure_gives_the_references_back(
    store: VolumeStore, root: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(RunnerError):
        await register(store, root, **settings)
    assert [store.references(volume.name) for volume in store.volumes()].count([]) == len(
        store.volumes()
    )
    assert store.volumes() != []


async def test_volumes_from(store: VolumeStore, root: Path) -> None:
    theirs = await register(store, root, binds=["/a:/h:ro,z", "data:/v", "other:/o"])
    theirs |= {"/t": MountPoint(type="tmpfs", destination="/t")}
    points = await register_mount_points(
        store,
        "d" * 64,
        HostConfig(volumes_from=["them"], binds=["/b:/h", "mine:/o"]),
        {"them": theirs}.__getitem__,
        daemon_root=root,
    )
    assert {d: (p.source, p.rw, p.mode) for d, p in points.items()} == {
        "/h": ("/b", True, ""),
        "/v": (str(root / "volumes/data/_data"), True, ""),
        "/t": ("", True, ""),
        "/o": (str(root / "volumes/mine/_data"), True, "z"),
    }
    assert not points["/v"].copy_data
    assert store.references("data") == [CONTAINER, "d" * 64]
    assert store.references("other") == [CONTAINER]


async def test_volumes_from_read_only(store: VolumeStore, root: Path) -> None:
    theirs = await register(store, root, binds=["/a:/h", "data:/v"])
    points = await register_mount_points(
        store, "d", HostConfig(volumes_from=["x:ro"]), lambda _: theirs, daemon_root=root
    )
    assert [point.rw for point in points.values()] == [False, False]


async def test_volumes_from_nobody_is_the_users_mistake(store: VolumeStore, root: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"^No such container: x$"):
        await register(store, root, volumes_from=["x"])


@pytest.mark.parametrize(
    ("bind", "propagation"),
    [
        ("/:/x", "rslave"),
        ("{root}/volumes:/x", "rslave"),
        ("/:/x:rshared", "rshared"),
        ("/usr:/x", "rprivate"),
    ],
)
async def test_the_engines_own_directory_is_bound_as_slave(
    store: VolumeStore, root: Path, bind: str, propagation: str
) -> None:
    points = await register(store, root, binds=[bind.format(root=root)])
    assert points["/x"].propagation == propagation


async def test_the_engines_own_directory_is_never_bound_privately(
    store: VolumeStore, root: Path
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        await register(store, root, binds=["/:/x:private"])
    assert str(caught.value) == (
        'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount '
        f'source is within the daemon root, daemon root: "{root}", bind mount source: "/", '
        'propagation: "private"'
    )


async def test_old_clients_know_no_recursive_read_only(store: VolumeStore, root: Path) -> None:
    points = await register_mount_points(
        store,
        CONTAINER,
        HostConfig(binds=["/a:/a:ro", "/b:/b"]),
        nobody,
        daemon_root=root,
        read_only_non_recursive=True,
    )
    options = points["/a"].spec.bind_options
    assert options is not None
    assert options.read_only_non_recursive
    assert points["/b"].spec.bind_options is None


async def test_removal_takes_only_what_nobody_named(store: VolumeStore, root: Path) -> None:
    points = await register(store, root, binds=["named:/a", "/b"])
    anonymous = points["/b"].name
    assert anonymous_volumes(points) == [anonymous]
    await release_mount_points(store, CONTAINER, points, remove=True)
    await release_mount_points(store, CONTAINER, points, remove=True)
    assert [volume.name for volume in store.volumes()] == ["named"]
    assert store.references("named") == []


async def test_an_anonymous_volume_in_use_elsewhere_stays(store: VolumeStore, root: Path) -> None:
    points = await register(store, root, binds=["/b"])
    await store.get(points["/b"].name, reference="another")
    await release_mount_points(store, CONTAINER, points, remove=True)
    assert len(store.volumes()) == 1


async def test_restored(store: VolumeStore, root: Path) -> None:
    points = await register(store, root, binds=["data:/a", "/x:/y"])
    again = VolumeStore(root / "volumes")
    await again.open()
    await restore_mount_points(again, CONTAINER, points, running=True)
    assert again.references("data") == [CONTAINER]
