"""Who may look into what the engine keeps: as with dockerd, whatever the umask of whoever starts it
(CVE-2021-41091: volumes' and layers' setuid programs must not be within reach of the host's users).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.containerd import Containerd
    from tests.support.subject import Subject

TWINS: Final = """\
data
data/engine-id
data/tmp
data/containers
data/containers/ID
data/containers/ID/ID-json.log
data/containers/ID/hostname
data/containers/ID/hosts
data/containers/ID/local-logs
data/containers/ID/local-logs/container.log
data/containers/ID/resolv.conf
data/containers/ID/resolv.conf.hash
data/rootfs
data/rootfs/overlayfs
data/rootfs/overlayfs/ID
data/volumes
data/volumes/ID
data/volumes/ID/_data
data/volumes/named
data/volumes/named/_data
exec
exec/netns
""".splitlines()
"""What both have, by the same name."""

OURS: Final = {
    "data/runner.db": 0o600,
    "data/runner.db-wal": 0o600,
    "data/runner.db-shm": 0o600,
    "data/runner.lock": 0o600,
    "data/volumes/named/opts.json": 0o600,
    "exec/containers/ID": 0o700,
    "exec/keeper.sock": 0o600,
    "runner.sock": 0o660,
    "metrics.sock": 0o660,
    "runner.pid": 0o644,
}


def live(docker: Callable[..., Any]) -> None:
    """Have of everything some."""
    say = ["busybox", "sh", "-c", "echo said; sleep 1000"]
    for words in (
        ["run", "-d", "--name", "one", "-v", "named:/named", "-v", "/anonymous", *say],
        ["run", "-d", "--name", "two", "--log-driver", "local", *say],
        ["network", "create", "net"],
        ["exec", "one", "true"],
    ):
        done = docker(*words)
        assert done.returncode == 0, done.stderr


def modes(workspace: Path) -> dict[str, int]:
    """The modes of all that is kept, by path; containers' own files apart."""
    return {
        re.sub(r"[0-9a-f]{64}", "ID", str(path.relative_to(workspace))): stat.S_IMODE(
            path.lstat().st_mode
        )
        for path in _kept(workspace)
    }


def _kept(workspace: Path) -> Iterator[Path]:
    yield from (path for path in workspace.iterdir() if re.search(r"\.(sock|pid)$", path.name))
    for root in ("data", "exec"):
        for folder, folders, files in os.walk(workspace / root):
            here = Path(folder)
            yield here
            if here.parent.parent.name == "rootfs":
                folders.clear()
            elif here.parent.name != "netns":
                yield from (here / name for name in files)


@pytest.fixture(params=[0o077, 0o000], ids=["strict", "lax"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """That of whoever starts the engine."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.oracle
def test_modes_are_dockerds(
    containerd: Containerd, busybox_tar: Path, dockerd: Subject, umask: int
) -> None:
    live(dockerd.docker)
    theirs = modes(dockerd.daemon.workspace.path)
    with Engine(containerd) as engine:
        engine.load(busybox_tar)
        live(engine.docker)
        ours = modes(engine.workspace.path)
    assert {path: oct(ours[path]) for path in TWINS} == {path: oct(theirs[path]) for path in TWINS}
    assert {path: ours[path] for path in OURS} == OURS
    # nobody but root writes anywhere, whatever else there is
    sockets = {"runner.sock", "metrics.sock"}
    assert [path for path, mode in ours.items() if mode & 0o022 and path not in sockets] == []
