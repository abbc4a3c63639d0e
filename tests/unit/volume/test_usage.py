"""How much is in a directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.volume import tree_size

if TYPE_CHECKING:
    from pathlib import Path


def test_files_count_once_and_directories_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/b").write_bytes(b"123")
    os.link(tmp_path / "a", tmp_path / "deep/again")
    (tmp_path / "link").symlink_to("deep")  # four bytes; not followed
    os.mkfifo(tmp_path / "pipe")
    assert tree_size(tmp_path) == 5 + 3 + 4


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert tree_size(tmp_path) == 0
    with pytest.raises(FileNotFoundError):
        tree_size(tmp_path / "none")
