"""Bundles from an engine that is not to be trusted."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.cli.errors import CliError
from runner.cli.system.extract import extract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def archive(*entries: tuple[str, bytes, dict[str, object]]) -> Iterator[bytes]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content, settings in entries:
            info = tarfile.TarInfo(name)
            info.size, info.uid, info.gid = len(content), os.getuid(), os.getgid()
            info.mode, info.mtime = 0o644, 1000
            for key, value in settings.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    data = buffer.getvalue()
    return (data[start : start + 1000] for start in range(0, len(data), 1000))


FOLDER: dict[str, object] = {"type": tarfile.DIRTYPE, "mode": 0o750}


def link(target: str) -> dict[str, object]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def test_an_honest_bundle(tmp_path: Path) -> None:
    stream = archive(
        ("./", b"", FOLDER),
        ("config.json", b"{}" * 3000, {}),
        ("rootfs/bin", b"", FOLDER),
        ("rootfs/bin/sh", b"#!", {"mode": 0o4755}),
        ("rootfs/bin/ash", b"", {"type": tarfile.LNKTYPE, "linkname": "rootfs/bin/sh"}),
        ("rootfs/sh", b"", link("/bin/sh")),
        ("rootfs/pipe", b"", {"type": tarfile.FIFOTYPE}),
    )
    target = tmp_path / "new"
    extract(stream, str(target))
    assert (target / "config.json").read_bytes() == b"{}" * 3000
    shell = (target / "rootfs/bin/sh").stat()
    assert (stat.S_IMODE(shell.st_mode), shell.st_nlink, shell.st_mtime) == (0o4755, 2, 1000)
    assert os.readlink(target / "rootfs/sh") == "/bin/sh"
    assert stat.S_ISFIFO((target / "rootfs/pipe").stat().st_mode)
    folder = (target / "rootfs/bin").stat()
    assert (stat.S_IMODE(folder.st_mode), folder.st_mtime) == (0o750, 1000)


@pytest.mark.parametrize(
    "entries",
    [
        [("../evil", b"x", {})],
        [("a/../../evil", b"x", {})],
        [("/evil", b"x", {})],
        [("hard", b"", {"type": tarfile.LNKTYPE, "linkname": "../secret"})],
        [("hard", b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"})],
        [("f", b"1", {}), ("f", b"2", {})],
        [("f", b"1", {}), ("f/g", b"2", {})],
    ],
)
def test_a_dishonest_one(
    tmp_path: Path, entries: list[tuple[str, bytes, dict[str, object]]]
) -> None:
    (tmp_path / "secret").write_text("mine")
    with pytest.raises(CliError):
        extract(archive(*entries), str(tmp_path / "new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "secret"]
    assert (tmp_path / "secret").read_text() == "mine"


def test_links_are_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = [("l", b"", link(str(outside))), ("l/evil", b"x", {})]
    with pytest.raises(CliError):
        extract(archive(*entries), str(tmp_path / "new"))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("data", [b"garbage" * 200, b"\x1f\x8b" + b"x" * 600])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CliError, match="no proper archive"):
        extract(iter([data]), str(tmp_path / "new"))
