"""Images that containers mount: theirs to their end, whatever becomes of image and engine."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from runner.linux.mountinfo import read_mounts
from tests.integration.files.support import collect, get, members
from tests.support.images import (
    Image,
    busybox_image,
    busybox_rootfs,
    directory,
    file,
    layer_tar,
    symlink,
    write_docker_archive,
)
from tests.support.subject import assert_settles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.subject import Subject


@pytest.fixture(autouse=True)
def pictures(ours: Subject, tmp_path: Path) -> Iterator[None]:
    """An image of more layers than one."""
    layers = [
        busybox_rootfs(),
        layer_tar([directory("data"), file("data/one", "1\n"), symlink("data/out", "../../etc")]),
        layer_tar([file("data/two", "2\n"), directory("data/sub"), file("data/sub/three", "3\n")]),
    ]
    path = tmp_path / "image.tar"
    write_docker_archive(path, {"pictures:latest": Image(layers, busybox_image().config)})
    with ours.images_restored():
        ours.daemon.load(path)
        yield
        ours.remove_everything()
        assert_settles(ours.traces)


def mounted(target: str = "/p", subpath: str = "") -> dict[str, Any]:
    mount: dict[str, Any] = {"Type": "image", "Source": "pictures", "Target": target}
    return {**mount, "ImageOptions": {"Subpath": subpath}} if subpath else mount


def create(ours: Subject, *command: str, name: str = "box", mounts: Any = None) -> str:
    return ours.create(*command, name=name, host={"Mounts": mounts or [mounted()]})


def output(ours: Subject, name: str = "box") -> str:
    answer = ours.start(name)
    assert answer.status == 204, answer.message
    ours.wait(name)
    return ours.logs(name)


def mounts_of(ours: Subject) -> list[str]:
    """Where something is mounted, as often as it is."""
    traces = ours.traces()
    here = [mount.mountpoint for mount in read_mounts()]
    return [place for place in here if f"mount {place}" in traces]


def test_in_two_places_at_once(ours: Subject) -> None:
    """dockerd 28 makes one layer for both, and fails."""
    mounts = [mounted("/p"), mounted("/q", "data/sub")]
    create(ours, "cat", "/p/data/one", "/q/three", mounts=mounts)
    assert output(ours) == "1\n3\n"


def test_of_another_container_which_goes(ours: Subject) -> None:
    create(ours, "true")
    ours.create("cat", "/p/data/one", name="other", host={"VolumesFrom": ["box:ro"]})
    assert ours.inspect("other")["Mounts"][0]["Name"] == "pictures"
    assert ours.api("DELETE", "/containers/box").status == 204
    assert output(ours, "other") == "1\n"


def test_of_another_container_whose_image_is_gone(ours: Subject) -> None:
    create(ours, "true")
    image = ours.docker("images", "-q", "--no-trunc", "pictures").stdout.strip()
    assert ours.docker("rmi", image).returncode == 0  # by its ID nobody asks who mounts it
    collect(ours)
    ours.create("cat", "/p/data/one", name="other", host={"VolumesFrom": ["box"]})
    assert ours.api("DELETE", "/containers/box").status == 204
    assert output(ours, "other") == "1\n"


def test_it_cannot_be_written_to_nor_seen_by_others(ours: Subject) -> None:
    create(ours, "touch", "/p/data/new")
    assert "Read-only file system" in output(ours)
    create(ours, "ls", "/p/data", name="other")
    assert "new" not in output(ours, "other")


@pytest.mark.parametrize(
    ("subpath", "said"),
    [
        ("nosuch", "cannot access path"),
        ("data/out", "path concatenation escapes the base directory"),
    ],
)
def test_a_part_that_is_not_there(ours: Subject, subpath: str, said: str) -> None:
    create(ours, "ls", "/p", mounts=[mounted(subpath=subpath)])
    answer = ours.start()
    assert answer.status >= 400
    assert said in answer.message


def test_the_image_is_removed(ours: Subject) -> None:
    create(ours, "cat", "/p/data/two")
    done = ours.docker("rmi", "pictures")
    assert "is using its referenced image" in done.stderr
    assert ours.docker("rmi", "-f", "pictures").returncode == 0
    collect(ours)
    assert output(ours) == "2\n"


def test_a_missing_image(ours: Subject) -> None:
    mount = {"Type": "image", "Source": "nosuch", "Target": "/p"}
    volume = {"Type": "volume", "Source": "data", "Target": "/v"}
    body = {"Image": "busybox", "HostConfig": {"Mounts": [volume, mounted("/q"), mount]}}
    answer = ours.api("POST", "/containers/create", body)
    assert (answer.status, answer.message) == (404, "No such image: nosuch:latest")
    assert ours.docker("volume", "ls", "-q").stdout == ""
    assert_settles(ours.traces)


def test_before_api_1_48(ours: Subject) -> None:
    body = {"Image": "busybox", "HostConfig": {"Mounts": [mounted()]}}
    answer = ours.daemon.api("POST", "/v1.47/containers/create", body)
    assert (answer.status, answer.message) == (400, 'Mount type "Image" needs API v1.48 or newer')


def test_another_engine_takes_it_over(ours: Subject) -> None:
    create(ours, "cat", "/p/data/one")
    create(ours, "sleep", "1000", name="running")
    ours.start("running")
    ours.daemon.kill()
    ours.daemon.start()
    assert output(ours) == "1\n"
    done = ours.docker("exec", "running", "cat", "/p/data/two")
    assert done.stdout == "2\n"
    assert members(get(ours, "/p/data/sub", "running").body)["sub/three"] == b"3\n"


def test_started_often_it_is_mounted_once(ours: Subject) -> None:
    create(ours, "cat", "/p/data/one")
    for _ in range(3):
        output(ours)
    assert members(get(ours, "/p/data/sub").body)["sub/three"] == b"3\n"
    assert len(mounts_of(ours)) == 1


def test_it_goes_with_the_container(ours: Subject) -> None:
    ours.create("sleep", "1000", host={"Mounts": [mounted()], "AutoRemove": True})
    ours.start()
    ours.docker("kill", "box")
    assert_settles(ours.traces)


def test_a_removal_that_was_cut_off(ours: Subject) -> None:
    create(ours, "true")
    containerd = ours.daemon.containerd.daemon.pid
    assert containerd
    os.kill(containerd, signal.SIGSTOP)  # so that nothing is swept up
    try:
        assert ours.api("DELETE", "/containers/box").status == 204
        ours.daemon.kill()
    finally:
        os.kill(containerd, signal.SIGCONT)
    ours.daemon.start()
    assert_settles(ours.traces)


@pytest.mark.parametrize("copied_first", [False, True])
def test_after_a_reboot(ours: Subject, copied_first: bool) -> None:
    """What was mounted is not mounted any more."""
    create(ours, "cat", "/p/data/one")
    ours.daemon.kill()
    (mount,) = mounts_of(ours)
    subprocess.run(["umount", mount], check=True)
    ours.daemon.start()
    if copied_first:
        assert members(get(ours, "/p/data/sub").body)["sub/three"] == b"3\n"
    assert output(ours) == "1\n"


def test_a_creation_that_was_cut_off(ours: Subject) -> None:
    """The engine was killed before it had written the container down."""
    create(ours, "true")
    ours.daemon.kill()
    (database,) = ours.daemon.workspace.path.glob("**/runner.db")
    with sqlite3.connect(database) as store:
        store.execute("DELETE FROM containers")
    store.close()
    ours.daemon.start()
    assert_settles(ours.traces)
