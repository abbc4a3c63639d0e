"""Our commands print what docker's print, on the same engine at the same moment."""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import without_accidents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Live


@pytest.fixture
def populated(live: Live) -> Live:
    """Two containers, one running."""
    common = ("--network", "none", "-l", "a=b")
    live.docker("run", "-d", *common, "-v", "/vol", "--name", "up", "busybox", "sleep", "1000")
    live.docker("create", *common, "--name", "made", "busybox", "sh", "-c", "echo x; echo y >&2")
    return live


@pytest.mark.parametrize(
    "line",
    [
        "ps",
        "ps -a",
        "ps -aq --no-trunc",
        "ps -a --no-trunc -s",
        "ps -l",
        "ps -n 1 -a",
        "ps -a -f name=made",
        "ps -a -f status=created --format {{.Names}}|{{.Image}}|{{.Labels}}",
        "ps -a --format json",
        "ps -a --format {{json\u00a0.Names}}",
        "ps -f bogus=1",
        "container ls -a",
        "images",
        "images -q",
        "images --digests --no-trunc",
        "images --format json",
        "image ls busybox",
        "images nothing",
        "images load",
        "inspect up",
        "inspect made busybox nothing",
        "inspect -f json made",
        "inspect -f {{.State.Status}}{{json\u00a0.Config.Cmd}} made up",
        "container inspect nothing",
        "image inspect busybox",
        "image inspect nothing",
        "inspect --type image up",
        "logs nothing",
        "start nothing made2",
        "stop nothing",
        "kill made",
        "kill -s FOO up",
        "rm up",
        "rm nothing made3",
        "rm -f nothing",
        "rename up made",
        "rename nothing x",
        "rename up !",
        "wait nothing",
        "attach made",
        "pull localhost:1/x",
        "pull UPPER",
        "stop -t x up",
        "load -i /nonexistent",
        "create --network none -m 4k busybox",
    ],
)
def test_the_same_words(populated: Live, line: str) -> None:
    # a no-break space stands for one inside an argument
    arguments = [word.replace("\u00a0", " ") for word in line.split(" ")]
    theirs, ours = populated.docker(*arguments), populated.runner(*arguments)
    # the age of a container may change between the two
    assert _told(arguments, ours.stdout) == _told(arguments, theirs.stdout)
    assert ours.stderr == re.sub("docker(?=[: ])", "runner", theirs.stderr)
    assert ours.returncode == theirs.returncode


def _told(arguments: list[str], output: str) -> list[str]:
    """The lines; of an image's names docker shows now one first, now the other."""
    lines = without_accidents(output).splitlines()
    return sorted(lines) if arguments[0] == "images" else lines


def test_a_life(live: Live) -> None:
    """Each change is made by ours and seen by theirs."""
    made = live.runner("create", "--network", "none", "--name", "aa", "busybox", "sleep", "1000")
    assert made.stdout.strip() == live.docker("inspect", "-f", "{{.Id}}", "aa").stdout.strip()
    assert live.runner("start", "aa").stdout == "aa\n"
    assert live.runner("rename", "aa", "bb").returncode == 0
    assert live.runner("kill", "-s", "STOP", "bb").stdout == "bb\n"
    assert live.runner("kill", "bb").stdout == "bb\n"
    assert live.runner("wait", "bb").stdout == "137\n"
    assert live.runner("start", "bb").stdout == "bb\n"
    assert live.runner("stop", "-t", "0", "bb").stdout == "bb\n"
    assert live.runner("rm", "-v", "bb").stdout == "bb\n"
    assert live.names() == []


def test_many_at_once(live: Live) -> None:
    names = [f"n{number}" for number in range(5)]
    for name in names:
        live.docker("create", "--network", "none", "--name", name, "busybox", "true")
    done = live.runner("rm", *names[:3], "nothing", *names[3:])
    assert done.stdout.split() == names
    assert (done.returncode, done.stderr) == (
        1,
        "Error response from daemon: No such container: nothing\n",
    )


def test_load_and_import(live: Live, busybox_tar: Path, tmp_path: Path) -> None:
    done = live.runner("load", "-i", str(busybox_tar))
    assert (done.returncode, done.stdout) == (0, "Loaded image: busybox:latest\n")
    assert live.runner("load", text=busybox_tar.read_bytes()).stdout == done.stdout
    bad = live.runner("load", text=b"no archive")
    assert bad.returncode == 1
    assert bad.stdout == ""
    root = tmp_path / "root.tar"
    with tarfile.open(root, "w") as archive:
        archive.add(busybox_tar, "file")
    done = live.runner("import", "-c", "CMD x", str(root), "imported:one")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", done.stdout), done.stderr
    shown = live.docker("image", "inspect", "-f", "{{json .Config.Cmd}}", "imported:one")
    assert shown.stdout in ('["/bin/sh","-c","x"]\n', '["x"]\n')
    live.docker("rmi", "imported:one")


def test_version_and_info(live: Live) -> None:
    done = live.runner("version")
    server = done.stdout[done.stdout.index("Server:") :]
    theirs = live.docker("version").stdout
    # docker says "Go version:" and nothing more of an engine that has none
    expected = re.sub(r"\n  [\w ]+: +(?=\n  \w)", "", theirs[theirs.index("Server:") :])
    assert re.sub(r"\n  [\w ]+: +(?=\n  \w)", "", server) == expected
    done, other = live.runner("info"), live.docker("info")
    ours, theirs = (text[text.index("Server:") :] for text in (done.stdout, other.stdout))
    # runtimes come from a Go map, in no order
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines()) or sorted(
        ours.split()
    ) == sorted(theirs.split())
    assert done.stderr == other.stderr


def test_bundles_need_our_own_engine(live: Live, tmp_path: Path) -> None:
    done = live.runner("bundle", "create", "--network", "none", "busybox", str(tmp_path / "b"))
    if live.server.host.startswith("unix:///tmp/rt-") and done.returncode == 0:
        assert (tmp_path / "b/config.json").exists()
        assert (tmp_path / "b/rootfs/bin/busybox").exists()
    else:
        assert done.stderr == (
            f"the engine at {live.server.host} is not runner: it cannot make bundles\n"
        )
    assert live.names() == []
