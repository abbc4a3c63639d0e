from __future__ import annotations

import pytest

from runner.oci.tmpfs import convert_tmpfs_options, merge_tmpfs_options
from runner.types.container import TmpfsOptions
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("options", "merged"),
    [
        ("noexec,nosuid", "noexec,nosuid"),
        ("noexec,nosuid,exec", "nosuid,exec"),
        ("ro,rw,ro", "ro"),
        ("rprivate,shared", "shared"),
        ("size=1m,mode=700,size=2m", "mode=700,size=2m"),
        ("defaults", ""),
        ("noatime,relatime,atime", "relatime,atime"),
        ("=x", "=x"),
    ],
)
def test_merge(options: str, merged: str) -> None:
    assert ",".join(merge_tmpfs_options(options.split(","))) == merged


@pytest.mark.parametrize(
    ("option", "shown"), [("bogus", "bogus"), ("huge=1=2", "huge"), ("", ""), ("size", "size")]
)
def test_merge_errors(option: str, shown: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        merge_tmpfs_options([option])
    assert str(caught.value) == f'invalid tmpfs option "{shown}"'


@pytest.mark.parametrize(
    ("options", "read_only", "text"),
    [
        (None, False, ""),
        (None, True, "ro"),
        (TmpfsOptions(size_bytes=3 << 30, mode=0o1777), False, "mode=1777,size=3g"),
        (TmpfsOptions(size_bytes=5 << 20), False, "size=5m"),
        (TmpfsOptions(size_bytes=1536), False, "size=1536"),
        (TmpfsOptions(size_bytes=2048, options=[["exec"]]), True, "ro,size=2k,exec"),
        (TmpfsOptions(options=[["noexec", "x"]]), False, "noexec=x"),
    ],
)
def test_convert(options: TmpfsOptions | None, read_only: bool, text: str) -> None:
    assert convert_tmpfs_options(options, read_only) == text


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ([], "invalid option array length"),
        (["exec", "b", "c"], "invalid option array length"),
        (["nosuid"], "invalid option: nosuid"),
    ],
)
def test_convert_errors(option: list[str], message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        convert_tmpfs_options(TmpfsOptions(options=[option]), read_only=False)
    assert str(caught.value) == message
