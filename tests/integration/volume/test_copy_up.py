"""What an image has at a volume's place gets into the new volume, and nothing else does."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from runner.types.container import HostConfig
from runner.types.errors import NotFound, System
from runner.volume import (
    MountPoint,
    VolumeStore,
    create_anonymous_volumes,
    populate_volumes,
    setup_working_directory,
)

CONTAINER = "c" * 64
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "rootfs"
    (root / "data").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return root


@pytest.fixture
async def store(tmp_path: Path) -> VolumeStore:
    store = VolumeStore(tmp_path / "volumes")
    await store.open()
    return store


async def copy_up(store: VolumeStore, root: Path, destination: str = "/data") -> Path:
    volume = await store.create("data")
    point = MountPoint(type="volume", name="data", destination=destination, copy_data=True)
    await populate_volumes(store, CONTAINER, root, {destination: point})
    return volume.mountpoint


async def test_containers_made_at_once_find_the_volume_filled(
    store: VolumeStore, root: Path
) -> None:
    for number in range(200):
        (root / f"data/{number:03}").write_text(str(number))

    async def names() -> list[str]:
        return sorted(path.name for path in (await copy_up(store, root)).iterdir())

    found = await asyncio.gather(*(names() for _ in range(4)))
    assert found == [[f"{number:03}" for number in range(200)]] * 4


def lstat(path: Path) -> tuple[int, int, int, int, int]:
    status = path.lstat()
    return (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, status.st_mtime_ns)


def make_everything(data: Path) -> None:
    (data / "sub/deeper").mkdir(parents=True)
    (data / "sub/file").write_bytes(b"x" * 100_000)
    os.link(data / "sub/file", data / "sub/deeper/linked")
    (data / "suid").write_text("suid")
    os.chown(data / "suid", 1000, 1001)
    (data / "suid").chmod(0o6755)
    os.setxattr(data / "suid", "security.capability", CAPABILITY)
    os.setxattr(data / "sub", "user.name", b"value")
    (data / "dangling").symlink_to("/nowhere")
    os.lchown(data / "dangling", 1000, 1000)
    os.mknod(data / "null", 0o640 | stat.S_IFCHR, os.makedev(1, 3))
    os.mkfifo(data / "fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(data / "socket"))
    os.chown(data / "sub", 1000, 1000)
    (data / "sub").chmod(0o1777)
    os.chown(data, 33, 34)
    data.chmod(0o2750)
    for path in (*data.rglob("*"), data):
        os.utime(path, ns=(1_000_000_001, 2_000_000_002), follow_symlinks=False)


async def test_everything_is_copied_as_it_is(store: VolumeStore, root: Path) -> None:
    data = root / "data"
    make_everything(data)
    before = {path.relative_to(data): lstat(path) for path in (*data.rglob("*"), data)}
    volume = await copy_up(store, root)
    after = {path.relative_to(volume): lstat(path) for path in (*volume.rglob("*"), volume)}
    assert after == before
    assert (volume / "suid").stat().st_atime_ns == 1_000_000_001
    assert (volume / "sub/file").read_bytes() == b"x" * 100_000
    assert (volume / "sub/file").samefile(volume / "sub/deeper/linked")
    assert (volume / "dangling").readlink() == Path("/nowhere")
    assert os.getxattr(volume / "suid", "security.capability") == CAPABILITY
    assert os.getxattr(volume / "sub", "user.name") == b"value"


async def test_a_volume_with_content_is_left_alone(store: VolumeStore, root: Path) -> None:
    (root / "data/new").touch()
    volume = await store.create("data")
    (volume.mountpoint / "old").touch()
    await copy_up(store, root)
    assert [path.name for path in volume.mountpoint.iterdir()] == ["old"]


async def test_nocopy(store: VolumeStore, root: Path) -> None:
    (root / "data/new").touch()
    volume = await store.create("data")
    point = MountPoint(type="volume", name="data", destination="/data", copy_data=False)
    await populate_volumes(store, CONTAINER, root, {"/data": point})
    assert list(volume.mountpoint.iterdir()) == []


async def test_nothing_there(store: VolumeStore, root: Path) -> None:
    assert list((await copy_up(store, root, "/nowhere/at/all")).iterdir()) == []
    assert list((await copy_up(store, root, "/etc/passwd/below")).iterdir()) == []


@pytest.mark.parametrize("target", ["/etc", "../../../etc", "../etc"])
async def test_links_stay_inside_the_root(store: VolumeStore, root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    volume = await copy_up(store, root, "/link")
    assert [path.name for path in volume.iterdir()] == ["passwd"]


async def test_links_to_the_host_lead_nowhere(store: VolumeStore, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    (root / "link").symlink_to(outside)
    assert list((await copy_up(store, root, "/link")).iterdir()) == []
    (root / "data/link").symlink_to(outside)
    volume = await copy_up(store, root)
    assert (volume / "link").readlink() == outside


async def test_a_file_is_no_volume(store: VolumeStore, root: Path) -> None:
    with pytest.raises(System) as caught:
        await copy_up(store, root, "/etc/passwd")
    assert str(caught.value) == f"source {root}/etc/passwd is not directory"


async def test_deep_and_wide(store: VolumeStore, root: Path) -> None:
    deep = root / "data"
    for _ in range(400):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    for number in range(300):
        (root / "data" / str(number)).touch()
    volume = await copy_up(store, root)
    assert (volume / deep.relative_to(root / "data") / "file").exists()
    assert len(list(volume.iterdir())) == 301


async def test_anonymous_volumes(store: VolumeStore, root: Path) -> None:
    taken = {"/taken": MountPoint(type="bind", destination="/taken", source="/")}
    points = await create_anonymous_volumes(
        store,
        CONTAINER,
        root,
        ["/data/", "/taken", "/tmpfs", "/new"],
        HostConfig(tmpfs={"/tmpfs": ""}),
        taken,
    )
    assert sorted(points) == ["/data", "/new"]
    assert all(point.is_anonymous and point.copy_data for point in points.values())
    assert [store.references(volume.name) for volume in store.volumes()] == [[CONTAINER]] * 2
    (root / "data/file").touch()
    await populate_volumes(store, CONTAINER, root, points)
    assert (Path(points["/data"].source) / "file").exists()


async def test_no_anonymous_volume_over_a_file(store: VolumeStore, root: Path) -> None:
    with pytest.raises(System) as caught:
        await create_anonymous_volumes(
            store, CONTAINER, root, ["/data", "/etc/passwd"], HostConfig(), {}
        )
    path = root / "etc/passwd"
    assert str(caught.value) == f"cannot mount volume over existing file, file exists {path}"
    assert store.volumes() == []


async def test_no_anonymous_volume_of_a_driver_that_is_not_there(
    store: VolumeStore, root: Path
) -> None:
    with pytest.raises(NotFound, match='plugin "foo" not found'):
        await create_anonymous_volumes(
            store, CONTAINER, root, ["/x"], HostConfig(volume_driver="foo"), {}
        )


async def test_working_directories(root: Path) -> None:
    (root / "out").symlink_to("/made/inside")
    await setup_working_directory(root, "/out/a/../work")
    assert (root / "made/inside/work").is_dir()
    await setup_working_directory(root, "/etc")
    await setup_working_directory(root, "")
    with pytest.raises(System, match=r"^Cannot mkdir: /etc/passwd is not a directory$"):
        await setup_working_directory(root, "/etc/passwd")
    assert not Path("/made").exists()
