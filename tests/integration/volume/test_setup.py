"""Mount points become paths on the host; nothing stays mounted."""

import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from runner.linux.mountinfo import read_mounts
from runner.types.container import BindOptions, HostConfig, Mount, VolumeOptions
from runner.types.errors import InvalidParameter, RunnerError, System
from runner.volume import MountPoint, Prepared, VolumeStore, register_mount_points, setup_mounts

CONTAINER = "c" * 64


def mounts_below(path: Path) -> list[str]:
    return [m.mountpoint for m in read_mounts() if m.mountpoint.startswith(f"{path}/")]


class Case:
    """A store, and the mounts of one container prepared from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = VolumeStore(path / "volumes")

    async def prepare(self, **settings: object) -> Prepared:
        host_config = HostConfig(**settings)  # type: ignore[arg-type]
        points = await register_mount_points(
            self.store, CONTAINER, host_config, lambda _: {}, daemon_root=self.path / "volumes"
        )
        return await self.setup(points, host_config)

    async def setup(self, points: Mapping[str, MountPoint], host_config: HostConfig) -> Prepared:
        return await setup_mounts(
            self.store, CONTAINER, points, host_config, temporary=self.path / "tmp"
        )


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    case = Case(tmp_path)
    await case.store.open()
    yield case
    await case.store.unmount_held(CONTAINER)
    assert mounts_below(tmp_path) == []


async def test_sources_are_made_and_parents_come_first(case: Case, tmp_path: Path) -> None:
    prepared = await case.prepare(
        binds=[f"{tmp_path}/new/dir:/a/b/c:ro", "data:/a", f"{tmp_path}:/a/b"]
    )
    assert [(m.source, m.destination, m.writable, m.propagation) for m in prepared.mounts] == [
        (str(tmp_path / "volumes/data/_data"), "/a", True, ""),
        (str(tmp_path), "/a/b", True, "rslave"),
        (str(tmp_path / "new/dir"), "/a/b/c", False, "rprivate"),
    ]
    assert (tmp_path / "new/dir").is_dir()


async def test_a_propagation_that_nobody_asked_for(case: Case, tmp_path: Path) -> None:
    binds = [f"{tmp_path}:/a", f"{tmp_path}:/b:rslave", "data:/c"]
    mounts = {m.destination: m for m in (await case.prepare(binds=binds)).mounts}
    assert mounts["/a"].propagation == mounts["/b"].propagation == "rslave"
    assert [mounts[place].propagation_by_default for place in ("/a", "/b", "/c")] == [
        True,
        False,
        False,
    ]


async def test_a_file_is_bound_as_one(case: Case, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    prepared = await case.prepare(binds=[f"{tmp_path}/file:/f"])
    assert prepared.mounts[0].source == str(tmp_path / "file")


async def test_a_source_that_cannot_be_made(case: Case) -> None:
    with pytest.raises(System, match=r"^error while creating mount source path '/proc/x/y': mkdir"):
        await case.prepare(binds=["/proc/x/y:/x"])


async def test_a_source_that_must_exist_is_not_made(case: Case, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    point = MountPoint(type="bind", source=str(gone), destination="/x", create_source=False)
    prepared = await case.setup({"/x": point}, HostConfig())
    assert prepared.mounts[0].source == str(gone)
    assert not gone.exists()


async def test_tmpfs_is_not_among_the_binds(case: Case) -> None:
    mounts = [Mount(type="tmpfs", target="/t"), Mount(type="bind", source="/", target="/x")]
    prepared = await case.prepare(tmpfs={"/x": ""}, mounts=mounts)
    assert prepared.mounts == []


async def test_bind_options_go_along(case: Case) -> None:
    options = BindOptions(non_recursive=True, read_only_force_recursive=True)
    mount = Mount(type="bind", source="/", target="/x", read_only=True, bind_options=options)
    (prepared,) = (await case.prepare(mounts=[mount])).mounts
    assert (prepared.non_recursive, prepared.read_only_force_recursive) == (True, True)


@pytest.mark.parametrize(
    ("read_only", "options", "text"),
    [
        (False, {"read_only_non_recursive": True}, "!ReadOnly && BindOptions.ReadOnlyNonRecursive"),
        (
            False,
            {"read_only_force_recursive": True},
            "!ReadOnly && BindOptions.ReadOnlyForceRecursive",
        ),
        (
            True,
            {"read_only_non_recursive": True, "read_only_force_recursive": True},
            "ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive",
        ),
    ],
)
async def test_contrary_options(
    case: Case, read_only: bool, options: dict[str, bool], text: str
) -> None:
    bind = BindOptions(**options)
    mount = Mount(type="bind", source="/", target="/x", read_only=read_only, bind_options=bind)
    with pytest.raises(RunnerError) as caught:
        await case.prepare(mounts=[mount])
    assert str(caught.value) == f"mount options conflict: {text}"


def subpath(path: str) -> Mount:
    return Mount(
        type="volume", source="data", target="/x", volume_options=VolumeOptions(subpath=path)
    )


async def test_a_subpath_is_pinned(case: Case, tmp_path: Path) -> None:
    data = (await case.store.create("data")).mountpoint
    (data / "sub").mkdir()
    (data / "sub/file").touch()
    prepared = await case.prepare(mounts=[subpath("sub")])
    pinned = Path(prepared.mounts[0].source)
    (data / "sub").rename(data / "moved")
    (data / "sub").symlink_to("/etc")
    assert os.listdir(pinned) == ["file"]
    await prepared.release()
    await prepared.release()
    assert not pinned.exists()


async def test_a_subpath_can_be_a_file_and_a_link_inside(case: Case) -> None:
    data = (await case.store.create("data")).mountpoint
    (data / "file").write_text("inside")
    (data / "link").symlink_to("file")
    prepared = await case.prepare(mounts=[subpath("link")])
    assert Path(prepared.mounts[0].source).read_text() == "inside"
    await prepared.release()


@pytest.mark.parametrize("target", ["/etc", "../../../../../../../../etc"])
async def test_a_subpath_does_not_leave_the_volume(case: Case, target: str) -> None:
    data = (await case.store.create("data")).mountpoint
    (data / "link").symlink_to(target)
    said = f"path concatenation escapes the base directory, base: {data}, subpath: link"
    with pytest.raises(InvalidParameter, match=f"^{said}$"):
        await case.prepare(mounts=[subpath("link")])


async def test_a_device_is_mounted_while_somebody_holds_it(case: Case) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=64k,noexec"}
    volume = await case.store.create("data", options=options)
    await case.prepare(binds=["data:/x"])
    await case.store.mount("data", "another")
    (mount,) = [m for m in read_mounts() if m.mountpoint == str(volume.mountpoint)]
    assert (mount.fstype, "noexec" in mount.options) == ("tmpfs", True)
    with pytest.raises(System, match=r"remove data: volume has active mounts|in use"):
        case.store.release("data", CONTAINER)
        await case.store.remove("data")
    await case.store.unmount_held(CONTAINER)
    assert mounts_below(case.path) == [str(volume.mountpoint)]
    await case.store.unmount_held("another")
    assert mounts_below(case.path) == []
    await case.store.remove("data")


async def test_a_bound_directory_as_volume(case: Case, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/file").touch()
    options = {"type": "none", "device": str(tmp_path / "shared"), "o": "bind"}
    await case.store.create("data", options=options)
    prepared = await case.prepare(binds=["data:/x"])
    assert os.listdir(prepared.mounts[0].source) == ["file"]
    case.store.release("data", CONTAINER)
    await case.store.unmount_held(CONTAINER)
    await case.store.remove("data")
    assert (tmp_path / "shared/file").exists()


async def test_a_device_left_mounted_by_a_killed_engine(case: Case) -> None:
    options = {"type": "tmpfs", "device": "tmpfs"}
    volume = await case.store.create("data", options=options)
    await case.store.mount("data", CONTAINER)
    again = VolumeStore(case.path / "volumes")
    await again.open()
    await again.mount("data", "new")
    assert mounts_below(case.path) == [str(volume.mountpoint)]
    await again.unmount_held("new")
    assert mounts_below(case.path) == []


async def test_a_device_that_cannot_be_mounted(case: Case) -> None:
    await case.store.create("data", options={"type": "nosuchfs", "device": "x"})
    with pytest.raises(System, match=r"^error while mounting volume '.*/data/_data': failed to mo"):
        await case.prepare(binds=["data:/x"])
