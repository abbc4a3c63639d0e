"""Paths by Go's rules."""

from __future__ import annotations

import os
import stat

import pytest

from runner.files.path_stat import go_mode
from runner.files.paths import base, is_local, join_to_root, preserve_trailing, split


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/etc/x", "x"), ("/etc/", "etc"), ("/etc/.", "."), ("/", "/"), ("", "."), ("//", "/")],
)
def test_base(path: str, expected: str) -> None:
    assert base(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("etc", "/etc"),
        ("/etc/", "/etc/"),
        ("etc/.", "/etc/."),
        ("/", "/"),
        ("/.", "/."),
        ("../../etc/./x", "/etc/x"),
        (".", "/."),
        ("/a/..", "/"),
        ("a/../.", "/."),
        ("//a//", "/a/"),
    ],
)
def test_what_a_client_asks_for(path: str, expected: str) -> None:
    assert preserve_trailing(join_to_root(path), path) == expected


def test_split() -> None:
    assert split("/etc/x") == ("/etc/", "x")
    assert split("/x") == ("/", "x")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", True),
        ("a/../b", True),
        ("..", False),
        ("../a", False),
        ("a/../../b", False),
        ("/a", False),
        (".", True),
        ("..a", True),
    ],
)
def test_is_local(path: str, expected: bool) -> None:
    assert is_local(os.fsencode(path)) is expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (stat.S_IFREG | 0o644, 0o644),
        (stat.S_IFDIR | 0o1777, 1 << 31 | 1 << 20 | 0o777),
        (stat.S_IFLNK | 0o777, 1 << 27 | 0o777),
        (stat.S_IFCHR | 0o600, 1 << 26 | 1 << 21 | 0o600),
        (stat.S_IFBLK | 0o600, 1 << 26 | 0o600),
        (stat.S_IFIFO | 0o600, 1 << 25 | 0o600),
        (stat.S_IFSOCK | 0o600, 1 << 24 | 0o600),
        (stat.S_IFREG | 0o6755, 1 << 23 | 1 << 22 | 0o755),
    ],
)
def test_gos_file_mode(mode: int, expected: int) -> None:
    assert go_mode(mode) == expected
