"""Overlay options that are longer than a page shrink; what cannot be done is said."""

from pathlib import Path

import pytest

from runner.containerd.mount import (
    compact_lowerdir,
    mount_all,
    read_only,
    upper_directory,
)
from runner.containerd.values import Mount
from runner.types.errors import NotImplementedYet


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


@pytest.mark.parametrize("option", ["loop", "uidmap=0:1:2", "gidmap=0:1:2", "X-containerd.mkdir.x"])
def test_options_that_cannot_be_done_are_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedYet, match="is not supported"):
        mount_all([Mount("bind", "/x", options=("ro", option))], tmp_path)


def test_fuse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedYet, match="are not supported"):
        mount_all([Mount("fuse3.fuse-overlayfs", "overlay")], tmp_path)


def test_an_overlay_to_look_at_has_its_upper_directory_below() -> None:
    """What is written to it may be mounted for writing already."""
    options = ("index=off", "workdir=/w", "upperdir=/u", "lowerdir=/b:/a")
    overlay = Mount("overlay", "overlay", options=options)
    (looked_at,) = read_only([overlay])
    assert looked_at.options == ("index=off", "lowerdir=/u:/b:/a")
    assert upper_directory(overlay) == "/u"
    assert upper_directory(looked_at) == ""
    assert read_only([looked_at]) == [looked_at]


def test_other_mounts_to_look_at_are_read_only() -> None:
    bind = Mount("bind", "/s", options=("rbind", "rw"))
    (looked_at,) = read_only([bind])
    assert looked_at.options == ("rbind", "ro")
    assert read_only([looked_at]) == [looked_at]
    assert upper_directory(bind) == ""
