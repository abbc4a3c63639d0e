"""The layer between an image and its containers: made once, kept as long as it is needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.integration.files.support import collect, export, get, members
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
def _images_restored(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is loaded here is not for other tests to find."""
    name = "ours" if "ours" in request.fixturenames else "subject"
    with request.getfixturevalue(name).images_restored():
        yield


def load(subject: Subject, path: Path, name: str, image: Image) -> None:
    write_docker_archive(path, {f"{name}:latest": image})
    assert subject.docker("load", "-i", str(path)).returncode == 0


def init_layers(subject: Subject) -> list[str]:
    lines = subject.ctr("snapshots", "list").splitlines()
    return [line.split()[0] for line in lines if line.split()[0].endswith("-init")]


def unique(tmp_path: Path) -> Image:
    """An image whose layer no other has."""
    extra = layer_tar([file("only-here", str(tmp_path))])
    return Image([busybox_rootfs(), extra], busybox_image().config)


def test_containers_of_an_image_share_it(ours: Subject, tmp_path: Path) -> None:
    load(ours, tmp_path / "image.tar", "shared", unique(tmp_path))
    before = init_layers(ours)
    with ThreadPoolExecutor(8) as pool:
        names = [f"box{number}" for number in range(8)]
        list(pool.map(lambda name: ours.create("true", name=name, Image="shared"), names))
    assert len(init_layers(ours)) == len(before) + 1
    for name in names:
        assert get(ours, "/.dockerenv", name=name).status == 200
        assert ours.api("GET", f"/containers/{name}/changes").json() is None


def test_it_lives_with_its_image(ours: Subject, tmp_path: Path) -> None:
    load(ours, tmp_path / "image.tar", "lives", unique(tmp_path))
    before = init_layers(ours)
    ours.create("true", Image="lives")
    (made,) = set(init_layers(ours)) - set(before)
    assert ours.api("DELETE", "/containers/box").status == 204
    assert_settles(ours.traces)
    collect(ours)
    assert made in init_layers(ours)
    ours.create("true", Image="lives")
    ours.ctr("images", "rm", "--sync", "docker.io/library/lives:latest")
    assert made in init_layers(ours)
    assert ours.start().status == 204
    assert ours.wait()["StatusCode"] == 0
    assert ours.api("DELETE", "/containers/box").status == 204
    assert_settles(ours.traces)
    collect(ours)
    assert made not in init_layers(ours)


def test_what_the_image_has_in_the_way(subject: Subject, tmp_path: Path) -> None:
    """Links that lead elsewhere are replaced, in the image's own tree and nowhere else."""
    victim = tmp_path / "victim"
    victim.mkdir()
    hostile = layer_tar(
        [
            symlink("dev", str(victim)),
            symlink("etc/hosts", f"{victim}/hosts"),
            symlink("etc/mtab", "nowhere"),
            directory("etc/resolv.conf"),
            file("proc", "a file"),
        ]
    )
    whole = layer_tar([directory("etc"), directory("bin")])
    load(
        subject, tmp_path / "image.tar", "hostile", Image([whole, hostile], busybox_image().config)
    )
    subject.create("true", Image="hostile")
    found = members(export(subject).body)
    assert sorted(found) == [
        ".dockerenv",
        "bin",
        "dev",
        "dev/console",
        "dev/pts",
        "dev/shm",
        "etc",
        "etc/hostname",
        "etc/hosts",
        "etc/resolv.conf",
        "proc",
        "sys",
    ]
    assert set(found.values()) == {b""}
    assert not any(victim.iterdir())


def test_a_program_can_tell_that_it_is_in_a_container(subject: Subject) -> None:
    subject.create("sh", "-c", "stat -c '%n %a %F' /.dockerenv; readlink /etc/mtab")
    assert subject.start().status == 204
    subject.wait()
    assert subject.logs() == "/.dockerenv 755 regular empty file\n/proc/mounts\n"
