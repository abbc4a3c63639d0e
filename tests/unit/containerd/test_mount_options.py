"""fstab options become flags and data; long overlay options shrink."""

import pytest

from runner.containerd.mount import compact_lowerdir, parse_mount_options
from runner.linux.mount import MS
from runner.types.errors import NotImplementedYet


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


@pytest.mark.parametrize("option", ["loop", "uidmap=0:1:2", "gidmap=0:1:2", "X-containerd.mkdir.x"])
def test_what_cannot_be_done_is_said(option: str) -> None:
    with pytest.raises(NotImplementedYet, match="is not supported"):
        parse_mount_options(["ro", option])


def layers(count: int) -> list[str]:
    return [f"/var/lib/containerd/overlayfs/snapshots/{number}/fs" for number in range(count)]


def overlay(paths: list[str]) -> list[str]:
    return ["index=off", "lowerdir=" + ":".join(paths), "upperdir=/u", "workdir=/w"]


def test_short_options_stay() -> None:
    options = overlay(layers(3))
    assert compact_lowerdir("overlay", options) == ("", options)


def test_long_options_are_named_from_the_common_directory() -> None:
    chdir, options = compact_lowerdir("overlay", overlay(layers(120)))
    assert chdir == "/var/lib/containerd/overlayfs/snapshots"
    assert options[:3] == ["index=off", "upperdir=/u", "workdir=/w"]
    assert options[3].startswith("lowerdir=0/fs:1/fs:2/fs:")
    assert options[3].endswith(":119/fs")


@pytest.mark.parametrize(
    "paths",
    [
        ["/" + "a" * 4000],
        ["/a" * 1500, "/b" * 1500],
        ["a" * 3000, "/b" * 1000],
        ["/a/b", "/a/b/" + "c" * 4000],
    ],
)
def test_what_cannot_shrink_stays(paths: list[str]) -> None:
    options = overlay(paths)
    assert compact_lowerdir("overlay", options) == ("", options)


def test_only_overlay_shrinks() -> None:
    options = overlay(layers(120))
    assert compact_lowerdir("bind", options) == ("", options)
