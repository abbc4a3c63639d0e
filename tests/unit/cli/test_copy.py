"""Copies: what paths mean, and files through a tar stream and back."""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.cli.chunks import Chunks
from runner.cli.copy import paths
from runner.cli.copy.pack import pack
from runner.cli.copy.unpack import unpack
from runner.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("box:/a", ("box", "/a")),
        ("box:a:b", ("box", "a:b")),
        ("box:", ("box", "")),
        ("/a:b", ("", "/a:b")),
        ("./a:b", ("", "./a:b")),
        ("../a:b", ("", "../a:b")),
        ("a", ("", "a")),
        (":a", ("", "a")),
    ],
)
def test_arguments(argument: str, parts: tuple[str, str]) -> None:
    assert paths.split_argument(argument) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/a/b", ("/a", "b")),
        ("/a/b/", ("/a", "b")),
        ("/a/b/.", ("/a/b", ".")),
        ("/a", ("/", "a")),
        ("/", ("/", "/")),
        ("a", (".", "a")),
        ("/a/../b", ("/", "b")),
    ],
)
def test_splitting(path: str, parts: tuple[str, str]) -> None:
    assert paths.split(path) == parts


@pytest.mark.parametrize("path", ["x", "x/", "x/.", "x/y/../z/", "."])
def test_the_end_of_a_path_stays(path: str) -> None:
    made = paths.absolute(path)
    assert made.startswith(os.getcwd())
    assert made.endswith("/") == path.endswith("/")
    assert made.endswith("/.") == (path.endswith("/.") or path == ".")


FOLDER = paths.Endpoint("/s/dir", exists=True, is_folder=True)
FILE = paths.Endpoint("/s/file", exists=True)


@pytest.mark.parametrize(
    ("origin", "target", "folder", "name", "renamed"),
    [
        (FILE, paths.Endpoint("/d", exists=True, is_folder=True), "/d", "file", "file"),
        (FILE, paths.Endpoint("/d/x", exists=True), "/d", "file", "x"),
        (FILE, paths.Endpoint("/d/x"), "/d", "file", "x"),
        (FOLDER, paths.Endpoint("/d", exists=True, is_folder=True), "/d", "dir/a", "dir/a"),
        (FOLDER, paths.Endpoint("/d/x"), "/d", "dir/a", "x/a"),
        (FOLDER, paths.Endpoint("/d/x/"), "/d", "dir/a", "x/a"),
        (paths.Endpoint("/s/dir/.", is_folder=True), paths.Endpoint("/d/x"), "/d", "./a", "x/a"),
        # the link's own name where links were followed
        (paths.Endpoint("/real", name="link"), paths.Endpoint("/d", exists=True, is_folder=True),
         "/d", "real", "link"),
        (paths.Endpoint("/real", name="link"), paths.Endpoint("/d/x"), "/d", "real", "x"),
    ],
)  # fmt: skip
def test_where_a_copy_goes(
    origin: paths.Endpoint, target: paths.Endpoint, folder: str, name: str, renamed: str
) -> None:
    plan = paths.plan(origin, target)
    assert (plan.folder, plan.name(name)) == (folder, renamed)


@pytest.mark.parametrize(
    ("origin", "target", "message"),
    [
        (FOLDER, paths.Endpoint("/d/x", exists=True), "cannot copy directory"),
        (FILE, paths.Endpoint("/d/x/"), "no such directory"),
        (FILE, paths.Endpoint("/d/x/."), "no such directory"),
    ],
)
def test_where_it_cannot_go(origin: paths.Endpoint, target: paths.Endpoint, message: str) -> None:
    with pytest.raises(CliError, match=f"^{message}$"):
        paths.plan(origin, target)


def test_links_as_source(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("dir")
    link = f"{tmp_path}/link"
    assert not paths.source(link, follow=False).is_folder
    asserted = paths.source(f"{link}/", follow=False)
    assert (asserted.path, asserted.is_folder, asserted.name) == (f"{tmp_path}/dir/", True, "link")
    followed = paths.source(link, follow=True)
    assert (followed.path, followed.is_folder, followed.name) == (f"{tmp_path}/dir", True, "link")
    with pytest.raises(CliError, match=f"^lstat {tmp_path}/no: no such file or directory$"):
        paths.source(f"{tmp_path}/no", follow=False)


def test_links_as_destination(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("dir")
    (tmp_path / "new").symlink_to("made")
    (tmp_path / "loop").symlink_to("loop")
    assert paths.destination(f"{tmp_path}/link").path == f"{tmp_path}/dir"
    assert not paths.destination(f"{tmp_path}/new").exists
    assert paths.destination(f"{tmp_path}/new").path == f"{tmp_path}/made"
    with pytest.raises(CliError, match=f"^too many symlinks in {tmp_path}/loop$"):
        paths.destination(f"{tmp_path}/loop")
    with pytest.raises(CliError, match=f"^stat {tmp_path}/no: no such file or directory$"):
        paths.destination(f"{tmp_path}/no/x")


def test_output_paths(tmp_path: Path) -> None:
    paths.check_output(f"{tmp_path}/new")
    with pytest.raises(CliError, match=r'^invalid output path: directory .*/no" does not exist$'):
        paths.check_output(f"{tmp_path}/no/x")
    with pytest.raises(CliError, match=r"must be a directory or a regular file: got a device$"):
        paths.check_output("/dev/null")


# --- archives ---------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "sub").mkdir(parents=True)
    (root / "a").write_text("a" * 700)
    (root / "sub/b").write_text("b")
    (root / "sub/b").chmod(0o4750)
    (root / "empty").touch()
    (root / ("n" * 150)).write_text("long")
    (root / "ü").write_text("é")
    (root / "link").symlink_to("sub/b")
    os.link(root / "a", root / "second")
    os.mkfifo(root / "pipe")
    os.utime(root / "a", (5, 5.5))
    os.utime(root / "sub", (7, 7))
    return root


def packed(path: str, name: str = "", warn: list[str] | None = None) -> Iterator[bytes]:
    origin = paths.source(path, follow=False)
    plan = paths.plan(origin, paths.Endpoint(f"/d/{name}" if name else "/d", exists=not name,
                                             is_folder=not name))  # fmt: skip
    return pack(origin, plan, (warn if warn is not None else []).append)


def test_what_is_packed(files: Path) -> None:
    data = b"".join(packed(str(files)))
    assert len(data) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        entries = {entry.name: entry for entry in archive}
    assert [*entries] == sorted(entries)
    assert entries["src/a"].size == 700
    assert entries["src/a"].mtime == 5
    assert entries["src/second"].islnk()
    assert entries["src/second"].linkname == "src/a"
    assert entries["src/link"].linkname == "sub/b"
    assert entries["src/pipe"].isfifo()
    assert entries["src/sub/b"].mode == 0o4750
    assert entries["src/ü"].size == 2


@pytest.mark.parametrize(
    ("path", "name", "first"),
    [("", "", "src"), ("/.", "", "."), ("/", "", "src"), ("", "x", "x"), ("/.", "x", "x")],
)
def test_names(files: Path, path: str, name: str, first: str) -> None:
    data = b"".join(packed(f"{files}{path}", name))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    assert names[0].rstrip("/") == first
    assert f"{first}/sub/b" in names


def test_a_socket_is_left_out(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        told: list[str] = []
        assert b"".join(packed(f"{tmp_path}/s", warn=told)) == bytes(1024)
    assert told == [
        f"Can't add file {tmp_path}/s to tar: open {tmp_path}/s: archive/tar: sockets not supported"
    ]


def test_there_and_back(files: Path, tmp_path: Path) -> None:
    target = tmp_path / "dst"
    target.mkdir()
    unpack(packed(str(files)), paths.Plan(str(target)))
    made = target / "src"
    assert (made / "a").read_text() == "a" * 700
    assert (made / "a").stat().st_mtime == 5
    assert (made / "a").stat().st_ino == (made / "second").stat().st_ino
    assert stat.S_IMODE((made / "sub/b").stat().st_mode) == 0o4750
    assert (made / "sub").stat().st_mtime == 7
    assert (made / "link").readlink() == (files / "link").readlink()
    assert stat.S_ISFIFO((made / "pipe").stat().st_mode)
    assert (made / "ü").read_text() == "é"
    (made / "a").unlink()
    unpack(packed(str(files)), paths.Plan(str(target)))  # over what is there
    assert (made / "a").read_text() == "a" * 700


def archive_of(*entries: tarfile.TarInfo) -> Iterator[bytes]:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return iter([stream.getvalue()])


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, 0o755
    return made


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("../x")], '"../x" is outside of "{}"'),
        ([entry("l", tarfile.SYMTYPE, "../../x")], 'invalid symlink "{}/l" -> "../../x"'),
        ([entry("l", tarfile.SYMTYPE, "../root2/x")], 'invalid symlink "{}/l" -> "../root2/x"'),
        ([entry("l", tarfile.LNKTYPE, "../../x")], "invalid hardlink "),
        ([entry("l", tarfile.LNKTYPE, "../root2/x")], "invalid hardlink "),
        ([entry("l", tarfile.SYMTYPE, "/etc"), entry("h", tarfile.LNKTYPE, "l/passwd")],
         '"{}/l" is outside of "{}"'),
        ([entry("l", tarfile.SYMTYPE, "/"), entry("l/tmp/x")], '"{}/l/tmp" is outside of "{}"'),
        ([entry("dir")], 'cannot overwrite directory "{}/dir" with non-directory "{}"'),
        ([entry("file", tarfile.DIRTYPE)],
         'cannot overwrite non-directory "{}/file" with directory "{}"'),
    ],
)  # fmt: skip
def test_what_must_not_be_unpacked(
    tmp_path: Path, entries: list[tarfile.TarInfo], message: str
) -> None:
    root = tmp_path / "inner" / "root"
    (root / "dir").mkdir(parents=True)
    (root / "file").touch()
    with pytest.raises(CliError) as caught:
        unpack(archive_of(*entries), paths.Plan(str(root)))
    assert str(caught.value).startswith(message.replace("{}", str(root)))
    assert sorted(path.name for path in (tmp_path / "inner").iterdir()) == ["root"]


def test_no_archive_at_all(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"^the engine's archive is no proper one: "):
        unpack(iter([b"x" * 1024]), paths.Plan(str(tmp_path)))


def test_chunks_are_a_file() -> None:
    chunks = Chunks(iter([b"ab", b"c", b"defgh"]))
    assert [chunks.read(size) for size in (1, 3, 10, 1)] == [b"a", b"bcd", b"efgh", b""]
