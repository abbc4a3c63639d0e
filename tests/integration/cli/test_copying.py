"""`cp` on one dockerd: docker's copies and ours leave the same files behind on both sides."""

from __future__ import annotations

import io
import os
import re
import shlex
import socket
import stat
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.cli.conftest import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.oracle

# What is in the container below /t, and on this side.
INSIDE = """
rm -rf /t; mkdir -p /t/dir/sub /t/empty; cd /t; echo file > file; echo a > dir/a; echo b > dir/sub/b
ln -s dir link; ln -s file flink; ln -s /t/dir/a dir/abs; ln -s nowhere dangling; ln dir/a dir/hard
chmod 4755 file; chmod 700 dir/sub; mkfifo fifo; chown 1000:1000 dir/a; ln -s /t/empty elink
ln -s /t/newf nlink; touch -d '2020-01-02 03:04:05' file dir/sub/b dir
"""
LINES = """
box:/t/file out
box:/t/file .
box:/t/file dir
box:/t/file file
box:/t/file nodir/
box:/t/file nodir/x
box:/t/file flink
box:/t/file elink
box:/t/file nlink
box:/t/dir out
box:/t/dir out/
box:/t/dir dir
box:/t/dir file
box:/t/dir/. out
box:/t/dir/. dir
box:/t/dir link
box:/t/link out
box:/t/link/ out
box:/t/link/. dir
-L box:/t/link out
-L box:/t/link dir
-L box:/t/flink dir
-L box:/t/dangling dir
box:/t/dangling dir
box:/t/fifo dir
box:t/file out
box:/t/nosuch out
box:/t/file/ out
box:/t/file fifo
-q=false box:/t/dir out
-q=false box:/t/dir file
box:/t/dir -
box:/t/file -
file box:/t/new
file box:/t/file
file box:/t/dir
file box:/t/nodir/
file box:/t/flink
file box:/t/elink
file box:/t/nlink
file box:/t/dangling
dir box:/t/new
dir box:/t/dir
dir box:/t/file
dir/. box:/t/new
dir/. box:/t/dir
dir/ box:/t/dir
dir box:/t/link
link box:/t/new
link/ box:/t/dir
-L link box:/t/new
-L link box:/t/dir
-L flink box:/t/dir
-L dangling box:/t/dir
-a dir box:/t/new
fifo box:/t/dir
file/x box:/t/dir
-q=false file box:/t/new
-q=false dir box:/t/dir
-q=false file box:/nodir/x
- box:/t/dir
- box:/t/file
- box:/t/elink
- box:/t/nosuch
./a:b box:/t/dir
"""


@pytest.fixture(scope="module")
def engine(_oracle_with_busybox: Any) -> Iterator[Live]:
    """dockerd with a container for each of the two programs."""
    live = Live(_oracle_with_busybox)
    for name in ("docker", "runner"):
        live.docker("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "100000")
    yield live
    live.empty()


@pytest.mark.parametrize("line", LINES.split("\n")[1:-1])
def test_the_same_copies(line: str, engine: Live, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as both:
        theirs = both.submit(copied, engine, engine.docker, "docker", line, tmp_path)
        ours = both.submit(copied, engine, engine.runner, "runner", line, tmp_path)
    assert ours.result() == theirs.result()


def copied(
    engine: Live, program: Callable[..., Any], name: str, line: str, parent: Path
) -> dict[str, Any]:
    """What one copy came to, in the container of this name and a folder of its own."""
    folder = parent / name
    engine.docker("exec", name, "sh", "-c", INSIDE)
    make_files(folder)
    words = shlex.split(line.replace("box:", f"{name}:"))
    given = archive() if words[-2] == "-" else None
    done = program("cp", *words, text=given, cwd=folder)
    # docker's own log tells now and then that nobody wanted the archive it had begun
    said = re.sub("time=.* level=error .*\n", "", done.stderr)
    return {
        "code": done.returncode,
        "stdout": names_in(done.stdout) if words[-1] == "-" else done.stdout,
        "stderr": said.replace(str(folder), "HERE").replace(name, "box"),
        "here": files_in(folder),
        "there": files_inside(engine, name),
    }


def make_files(folder: Path) -> None:
    for name in ("dir/sub", "empty"):
        (folder / name).mkdir(parents=True)
    for name in ("file", "dir/x", "dir/sub/y", f"dir/{'n' * 150}", "dir/ünï %x", "a:b"):
        (folder / name).write_text(f"{name}\n")
    (folder / "dir/sub/y").chmod(0o2640)
    for name, target in (("link", "dir"), ("flink", "file"), ("dangling", "nowhere"),
                         ("elink", "empty"), ("nlink", "newf")):  # fmt: skip
        (folder / name).symlink_to(target)
    os.link(folder / "dir/x", folder / "dir/hard")
    os.chown(folder / "dir/sub", 7, 8)
    os.mkfifo(folder / "fifo")
    for name in ("file", "dir"):
        os.utime(folder / name, (1.6e9, 1.6e9 + 0.5))


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as made:
        entry = tarfile.TarInfo("in/the/tar")
        entry.size = 3
        made.addfile(entry, io.BytesIO(b"abc"))
    return stream.getvalue()


def names_in(text: str) -> list[tuple[str, int, int]]:
    data = io.BytesIO(text.encode(errors="surrogateescape"))
    with tarfile.open(fileobj=data) as made:
        return [(entry.name, entry.mode, entry.size) for entry in made]


def files_in(folder: Path) -> list[tuple[object, ...]]:
    """Every file with what can be seen of it; times of now are all the same."""
    return [_described(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*"))]


def _described(path: Path, name: str) -> tuple[object, ...]:
    status = path.lstat()
    links = 0 if stat.S_ISDIR(status.st_mode) else status.st_nlink
    content = ""
    if stat.S_ISREG(status.st_mode):
        content = path.read_text()
    elif stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    moment = int(status.st_mtime) if status.st_mtime < 1.7e9 else "now"
    return name, oct(status.st_mode), status.st_uid, status.st_gid, links, moment, content


def files_inside(engine: Live, name: str) -> str:
    script = (
        "cd /t; find . /new* 2> /dev/null | sort | while read f; do "
        "stat -c '%n %f %u %g %N' \"$f\";"
        ' [ -f "$f" ] && [ ! -L "$f" ] && cat "$f"; done'
    )
    return engine.docker("exec", name, "sh", "-c", script).stdout


def test_what_cannot_be_packed_is_told(engine: Live, tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "dir/s"))
        done = engine.runner("cp", f"{tmp_path}/dir", "runner:/packed")
    assert done.returncode == 0
    assert done.stderr.startswith(f"Can't add file {tmp_path}/dir/s to tar: ")
    assert engine.docker("exec", "runner", "ls", "/packed").stdout == "file\n"


def test_much_both_ways(engine: Live, tmp_path: Path) -> None:
    (tmp_path / "much").write_bytes(os.urandom(20 << 20))
    assert engine.runner("cp", str(tmp_path / "much"), "runner:/much").returncode == 0
    assert engine.runner("cp", "runner:/much", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "much").read_bytes()
