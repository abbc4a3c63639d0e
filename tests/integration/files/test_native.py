"""A snapshotter without overlays: whole copies, of which two trees are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.files.support import archive, export, get, members, put
from tests.support.engine import Engine
from tests.support.subject import Subject, assert_settles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd
    from tests.support.oci_runtime import OddRuntime

SCRIPT = "echo x >>/etc/passwd; rm /bin/vi; mkdir /new; echo 1 >/new/file; chmod 700 /home"


@pytest.fixture
def native(containerd: Containerd, busybox_tar: Path, odd_runtime: OddRuntime) -> Iterator[Subject]:
    """An engine of its own, whose containers are copies."""
    with Engine(containerd, arguments=["--snapshotter=native"]) as engine:
        engine.load(busybox_tar)
        yield Subject(engine, odd_runtime)


def test_all_verbs(native: Subject) -> None:
    native.create("sh", "-c", SCRIPT, host={"Binds": ["data:/data"]})
    assert native.start().status == 204
    assert native.wait()["StatusCode"] == 0
    assert put(native, "/data", archive(x=b"1")).status == 200
    assert put(native, "/tmp", archive(y=b"2")).status == 200
    assert members(get(native, "/data").body) == {"data": b"", "data/x": b"1"}
    done = native.docker("diff", "box")
    assert done.stdout.splitlines() == [
        "C /bin",
        "D /bin/vi",
        "A /data",
        "C /etc",
        "C /etc/passwd",
        "C /home",
        "A /new",
        "A /new/file",
        "C /tmp",
        "A /tmp/y",
    ]
    exported = members(export(native).body)
    assert exported["new/file"] == b"1\n"
    assert "data/x" not in exported
    assert native.docker("commit", "box", "made").returncode == 0
    native.create("sh", "-c", "cat /new/file /tmp/y; ls /bin/vi", name="again", Image="made")
    assert native.start("again").status == 204
    native.wait("again")
    assert native.logs("again") == "1\n2ls: /bin/vi: No such file or directory\n"
    native.remove_everything()
    assert_settles(native.traces)
