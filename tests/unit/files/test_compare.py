"""What `diff` tells, with and without an overlay's hint of where to look."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from runner.files.compare import ADDED, DELETED, MODIFIED, compare

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_500_000_000 * 10**9


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A tree."""
    root = tmp_path / "old"
    (root / "etc/sub").mkdir(parents=True)
    (root / "usr").mkdir()
    for name in ("etc/passwd", "etc/sub/deep", "usr/tool"):
        (root / name).write_text(name)
    (root / "link").symlink_to("etc")
    return root


@pytest.fixture
def new(old: Path) -> Path:
    """Its copy, to be changed."""
    root = old.parent / "new"
    shutil.copytree(old, root, symlinks=True)
    return root


def changes(old: Path, new: Path, upper: Path | None = None) -> list[tuple[int, str]]:
    found = compare(os.fsencode(old), os.fsencode(new), os.fsencode(upper) if upper else b"")
    return [(kind, os.fsdecode(path)) for kind, path in found]


def test_a_copy_is_no_change(old: Path, new: Path) -> None:
    assert changes(old, new) == []


def test_added_and_deleted_with_the_directories_that_they_are_in(old: Path, new: Path) -> None:
    (new / "etc/sub/new").write_text("")
    (new / "etc/sub/deep").unlink()
    (new / "more/less").mkdir(parents=True)
    shutil.rmtree(new / "usr")
    assert changes(old, new) == [
        (MODIFIED, "/etc"),
        (MODIFIED, "/etc/sub"),
        (ADDED, "/etc/sub/new"),
        (DELETED, "/etc/sub/deep"),
        (ADDED, "/more"),
        (ADDED, "/more/less"),
        (DELETED, "/usr"),
    ]


def test_modes_sizes_and_times(old: Path, new: Path) -> None:
    (new / "usr").chmod(0o700)
    (new / "etc/passwd").write_text("longer than it was")
    os.utime(new / "usr/tool", ns=(LONG_AGO, LONG_AGO))
    assert changes(old, new) == [
        (MODIFIED, "/etc"),
        (MODIFIED, "/etc/passwd"),
        (MODIFIED, "/usr"),
        (MODIFIED, "/usr/tool"),
    ]


def test_the_time_of_a_directory_is_no_change(old: Path, new: Path) -> None:
    os.utime(new / "etc", ns=(LONG_AGO, LONG_AGO))
    assert changes(old, new) == []


def test_a_time_that_has_lost_its_fraction_is_the_same(old: Path, new: Path) -> None:
    os.utime(old / "usr/tool", ns=(LONG_AGO, LONG_AGO))
    os.utime(new / "usr/tool", ns=(LONG_AGO, LONG_AGO + 123))
    assert changes(old, new) == []
    os.utime(old / "usr/tool", ns=(LONG_AGO, LONG_AGO + 1))
    assert changes(old, new) == [(MODIFIED, "/usr"), (MODIFIED, "/usr/tool")]


def test_other_kinds_under_the_same_name(old: Path, new: Path) -> None:
    """A link is never followed, in neither tree."""
    (new / "link").unlink()
    (new / "link").mkdir()
    (new / "link/passwd").write_text("etc/passwd")
    shutil.rmtree(new / "etc")
    (new / "etc").symlink_to("link")
    assert changes(old, new) == [
        (MODIFIED, "/etc"),
        (MODIFIED, "/link"),
        (ADDED, "/link/passwd"),
    ]


def test_only_what_was_written_is_looked_at(old: Path, new: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    (upper / "etc").mkdir(parents=True)
    (upper / "etc/passwd").write_text("")
    (upper / "gone").write_text("")  # a whiteout of what never was
    (new / "etc/passwd").write_text("changed")
    (new / "usr/tool").write_text("changed where nobody looks")
    assert changes(old, new, upper) == [(MODIFIED, "/etc"), (MODIFIED, "/etc/passwd")]


def test_names_that_are_no_text(old: Path, new: Path) -> None:
    os.mkdir(os.fsencode(new) + b"/\xff")
    assert compare(os.fsencode(old), os.fsencode(new)) == [(ADDED, b"/\xff")]


def test_a_deep_tree(old: Path, new: Path) -> None:
    path = new
    for _ in range(300):
        path /= "d"
        path.mkdir()
    assert len(changes(old, new)) == 300
