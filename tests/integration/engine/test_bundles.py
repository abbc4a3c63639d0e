"""Bundles of containers that have more than a root filesystem, under plain runc."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.images import busybox_archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.subject import Subject


@pytest.fixture
def runc(tmp_path: Path) -> Iterator[list[str]]:
    """runc with a state of its own, and one container's name."""
    command = ["runc", "--root", str(tmp_path / "state")]
    name = f"runner-test-{tmp_path.parent.name}-{tmp_path.name}"[:60]
    yield [*command, "run", "--bundle", str(tmp_path / "bundle"), name]
    subprocess.run([*command, "delete", "--force", name], capture_output=True, check=False)


def test_an_anonymous_volume(ours: Subject, runc: list[str], tmp_path: Path) -> None:
    """It is gone with the container; what was in it is in the bundle."""
    archive = tmp_path / "image.tar"
    command = ["ls", "/bin/busybox", "/new"]
    busybox_archive(archive, "voluminous:latest", Volumes={"/bin": {}, "/new": {}}, Cmd=command)
    with ours.images_restored():
        ours.daemon.load(archive)
        bundle = ["bundle", "create", "--network", "none", "voluminous", str(tmp_path / "bundle")]
        made = ours.daemon.runner(*bundle)
        assert made.returncode == 0, made.stderr
    assert ours.docker("volume", "ls", "-q").stdout == ""
    done = subprocess.run(runc, capture_output=True, stdin=subprocess.DEVNULL, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "/bin/busybox\n\n/new:\n", "")
