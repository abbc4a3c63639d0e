"""tmpfs options for mount(8)."""

import pytest

from runner.types.container import HostConfig, Mount, TmpfsOptions
from runner.volume import MountPoint, tmpfs_mounts
from runner.volume.tmpfs import convert_tmpfs_options


@pytest.mark.parametrize(
    ("options", "read_only", "text"),
    [
        (None, False, ""),
        (None, True, "ro"),
        (TmpfsOptions(size_bytes=1 << 30), False, "size=1g"),
        (TmpfsOptions(size_bytes=3 << 20), False, "size=3m"),
        (TmpfsOptions(size_bytes=5 << 10), False, "size=5k"),
        (TmpfsOptions(size_bytes=1000), False, "size=1000"),
        (TmpfsOptions(mode=0o1777, size_bytes=1 << 20), True, "ro,mode=1777,size=1m"),
        (TmpfsOptions(options=[["noexec"], ["exec", "1"]]), False, "noexec,exec=1"),
    ],
)
def test_options(options: TmpfsOptions | None, read_only: bool, text: str) -> None:
    assert convert_tmpfs_options(options, read_only) == text


def test_both_kinds() -> None:
    spec = Mount(type="tmpfs", target="/b", tmpfs_options=TmpfsOptions(size_bytes=1024))
    points = {
        "/b": MountPoint(type="tmpfs", destination="/b", spec=spec),
        "/c": MountPoint(type="bind", destination="/c", source="/"),
    }
    assert tmpfs_mounts(HostConfig(tmpfs={"/a": "size=1m"}), points) == {
        "/a": "size=1m",
        "/b": "size=1k",
    }
    assert tmpfs_mounts(HostConfig(), {}) == {}
