"""Real mounts, all of them gone afterwards."""

import asyncio
import os
from pathlib import Path

import pytest

from runner.containerd.mount import mount_all, unmount_all, unmount_once
from runner.containerd.mounted import (
    mount_all_in_thread,
    temporary_mount,
    unmount_all_in_thread,
)
from runner.containerd.values import Mount
from runner.linux.mountinfo import read_mounts
from runner.types.errors import System

pytestmark = pytest.mark.root


TMPFS = Mount("tmpfs", "tmpfs", options=("size=64k", "nosuid"))


def mounts_below(path: Path) -> list[str]:
    return [m.mountpoint for m in read_mounts() if m.mountpoint.startswith(str(path))]


@pytest.fixture
def target(tmp_path: Path):
    target = tmp_path / "target"
    target.mkdir()
    yield target
    for mountpoint in reversed(mounts_below(tmp_path)):
        unmount_all(Path(mountpoint))
    assert mounts_below(tmp_path) == []


def test_tmpfs_with_data_and_flags(target: Path) -> None:
    mount_all([TMPFS], target)
    (mount,) = [m for m in read_mounts() if m.mountpoint == str(target)]
    assert (mount.fstype, "nosuid" in mount.options) == ("tmpfs", True)
    assert "size=64k" in mount.super_options


def test_a_read_only_bind(target: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    mount_all([Mount("bind", str(tmp_path / "source"), options=("rbind", "ro"))], target)
    with pytest.raises(OSError, match="Read-only"):
        (target / "x").touch()


def test_overlay(target: Path, tmp_path: Path) -> None:
    for name in ("lower", "upper", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "lower/file").write_text("below")
    dirs = [f"{kind}dir={tmp_path}/{kind}" for kind in ("lower", "upper", "work")]
    mount_all([Mount("overlay", "overlay", options=tuple(dirs))], target)
    assert (target / "file").read_text() == "below"
    (target / "new").touch()
    assert (tmp_path / "upper/new").exists()


def test_overlay_of_more_layers_than_fit_on_a_page(target: Path, tmp_path: Path) -> None:
    here = os.getcwd()
    layers = [tmp_path / "snapshots" / str(number) / ("fs" * 10) for number in range(100)]
    for layer in layers:
        layer.mkdir(parents=True)
        (layer / layer.parent.name).touch()
    lowerdir = "lowerdir=" + ":".join(map(str, layers))
    assert len(lowerdir) > 4096
    mount_all([Mount("overlay", "overlay", options=(lowerdir,))], target)
    assert len(list(target.iterdir())) == 100
    assert os.getcwd() == here


def test_submounts_are_made_inside_the_target(target: Path) -> None:
    mount_all([TMPFS], target)
    (target / "sub").mkdir()
    (target / "out").symlink_to("/sub")
    mount_all([Mount("tmpfs", "tmpfs", target="out")], target)
    assert mounts_below(target) == [str(target), str(target / "sub")]
    with pytest.raises(System, match="no such file or directory"):
        mount_all([Mount("tmpfs", "tmpfs", target="missing")], target)
    unmount_all(target / "sub")


def test_a_failure_undoes_what_was_made(target: Path) -> None:
    with pytest.raises(System, match=r'mount source: "x", target: ".*", fstype: nosuchfs, .*err: '):
        mount_all([TMPFS, TMPFS, Mount("nosuchfs", "x")], target)
    assert mounts_below(target) == []


def test_stacked_mounts_all_go_and_again_is_no_error(target: Path) -> None:
    mount_all([TMPFS, TMPFS, TMPFS], target)
    assert len(mounts_below(target)) == 3
    assert unmount_once(target)
    assert len(mounts_below(target)) == 2
    unmount_all(target)
    assert mounts_below(target) == []
    unmount_all(target)
    unmount_all(target / "missing")


def test_a_busy_mount_is_detached(target: Path) -> None:
    mount_all([TMPFS], target)
    with (target / "open").open("w"):
        unmount_all(target)
        assert mounts_below(target) == []


async def test_a_cancelled_mount_leaves_nothing(target: Path) -> None:
    task = asyncio.create_task(mount_all_in_thread([TMPFS, TMPFS], target))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert mounts_below(target) == []


async def test_beside_the_event_loop(target: Path) -> None:
    await mount_all_in_thread([TMPFS], target)
    assert mounts_below(target) == [str(target)]
    await unmount_all_in_thread(target)
    assert mounts_below(target) == []


async def test_a_temporary_mount_goes_with_its_directory(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with temporary_mount([TMPFS], tmp_path) as path:
            assert mounts_below(tmp_path) == [str(path)]
            raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    assert mounts_below(tmp_path) == []
