"""What a directory may hold that something was mounted on."""

import os
from pathlib import Path

import pytest

from runner.containerd.mounted import remove_mount_point


def test_what_a_late_runtime_made_to_mount_on_goes_too(tmp_path: Path) -> None:
    target = tmp_path / "rootfs"
    (target / "data/deep").mkdir(parents=True)
    (target / "etc").mkdir()
    (target / "etc/hosts").touch()
    remove_mount_point(target)
    assert os.listdir(tmp_path) == []
    remove_mount_point(target)


@pytest.mark.parametrize("content", ["file", "link"])
def test_nothing_else_goes(tmp_path: Path, content: str) -> None:
    target = tmp_path / "rootfs"
    target.mkdir()
    if content == "file":
        (target / "file").write_text("somebody's")
    else:
        (target / "link").symlink_to("/etc/hosts")
    with pytest.raises(OSError, match="not empty"):
        remove_mount_point(target)
    assert os.listdir(target) == [content]
