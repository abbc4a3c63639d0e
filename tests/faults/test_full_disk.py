"""A data root without room: clear errors, nothing half-made, all as it was once there is room."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import Engine
from tests.support.subject import Subject, assert_settles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd
    from tests.support.oci_runtime import OddRuntime

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

FULL = "no space left on device"


class SmallDisk:
    """A disk of 16 MB and 1,000 files, of which one or the other is used up."""

    def __init__(self, path: Path, lacks: str) -> None:
        self._fillers = path / "fillers"
        self._lacks = lacks
        path.mkdir()
        options = "size=16m,nr_inodes=1000,mode=711"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
        self._fillers.mkdir()

    def fill(self) -> None:
        """Until not one byte more, or not one file."""
        try:
            if self._lacks == "room":
                with (self._fillers / "big").open("ab", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
            for number in range(1000):
                (self._fillers / str(number)).touch()
        except OSError as err:
            if err.errno != errno.ENOSPC:
                raise

    def clear(self) -> None:
        """There is room again."""
        for file in self._fillers.iterdir():
            file.unlink()


@pytest.fixture(params=["room", "files"])
def lacks(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def subject(
    containerd: Containerd, odd_runtime: OddRuntime, busybox_tar: Path, lacks: str
) -> Iterator[tuple[Subject, SmallDisk]]:
    """An engine of its own, and the disk that its data root is on."""
    engine = Engine(containerd)
    disk = SmallDisk(engine.data_root, lacks)
    with engine:
        engine.load(busybox_tar)
        yield Subject(engine, odd_runtime), disk
        disk.clear()


def test_a_full_data_root(subject: tuple[Subject, SmallDisk]) -> None:
    ours, disk = subject
    ours.create("sleep", "1000", name="up")
    assert ours.start("up").status == 204
    ours.create("sh", "-c", "echo hello; exit 3", name="made")
    ours.create("true", name="unwanted")
    disk.fill()

    # nothing new can be made, and nothing of it is left
    before = ours.traces()
    answer = ours.api("POST", "/containers/create?name=new", {"Image": "busybox", "Cmd": ["true"]})
    assert answer.status == 500
    assert FULL in answer.message
    assert not ours.exists("new")
    assert ours.traces() == before
    volume = ours.api("POST", "/volumes/create", {"Name": "new"})
    assert volume.status == 500
    assert FULL in volume.message

    # what is there can be looked at and used, over the death of the engine too
    for _ in range(2):
        assert ours.state("up")["Status"] == "running"
        assert ours.state("made")["Status"] == "created"
        assert ours.docker("exec", "up", "echo", "hello").stdout == "hello\n"
        assert isinstance(ours.daemon, Engine)
        ours.daemon.kill()
        ours.daemon.start()
    assert ours.docker("stop", "-t1", "up").returncode == 0
    assert ours.state("up")["Status"] == "exited"

    # who needs room can make some
    assert ours.docker("rm", "unwanted").returncode == 0
    assert not ours.exists("unwanted")

    disk.clear()
    assert ours.start("made").status == 204
    assert ours.wait("made")["StatusCode"] == 3
    assert ours.logs("made") == "hello\n"
    assert ours.start("up").status == 204
    ours.remove_everything()
    assert_settles(ours.traces)
