"""fstab options become flags and data."""

import pytest

from runner.linux.fstab import parse_mount_options
from runner.linux.mount import MS


@pytest.mark.parametrize(
    ("options", "flags", "data"),
    [
        ([], MS(0), ""),
        (["defaults"], MS(0), ""),
        (["rbind", "rw"], MS.BIND | MS.REC, ""),
        (["bind", "ro"], MS.BIND | MS.RDONLY, ""),
        (["ro", "rw"], MS(0), ""),
        (["rw", "ro"], MS.RDONLY, ""),
        (["nosuid", "nodev", "suid"], MS.NODEV, ""),
        (["index=off", "lowerdir=/a:/b", "ro"], MS.RDONLY, "index=off,lowerdir=/a:/b"),
        (["size=64k", "mode=1777", "noexec"], MS.NOEXEC, "size=64k,mode=1777"),
        (["loopy=1"], MS(0), "loopy=1"),
    ],
)
def test_flags_and_data(options: list[str], flags: MS, data: str) -> None:
    parsed = parse_mount_options(options)
    assert (parsed.flags, parsed.data, parsed.propagation) == (flags, data, MS(0))


def test_propagation_is_a_call_of_its_own() -> None:
    parsed = parse_mount_options(["rbind", "rslave"])
    assert (parsed.flags, parsed.propagation) == (MS.BIND | MS.REC, MS.SLAVE | MS.REC)
