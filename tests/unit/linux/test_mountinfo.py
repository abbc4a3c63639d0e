"""mountinfo lines, and whose mount a path is on."""

import pytest

from runner.linux.mountinfo import MountInfo, mount_of, parse_line, read_mounts


def test_a_line_with_escapes_and_propagation() -> None:
    line = r"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:4 - ext3 /dev/root rw,errors=x"
    assert parse_line(line) == MountInfo(
        mount_id=36,
        parent_id=35,
        root="/mnt1",
        mountpoint="/mnt 2",
        options=("rw", "noatime"),
        optional=("master:1", "shared:4"),
        fstype="ext3",
        source="/dev/root",
        super_options=("rw", "errors=x"),
    )


def test_a_line_without_optional_fields() -> None:
    parsed = parse_line("1 0 0:1 / / rw - tmpfs none rw")
    assert (parsed.optional, parsed.fstype) == ((), "tmpfs")


@pytest.mark.parametrize(
    ("path", "mount_id"), [("/a/b/c", 3), ("/a/b", 3), ("/a", 1), ("/ab", 1), ("/a/bb", 1)]
)
def test_the_longest_and_topmost_mount_wins(path: str, mount_id: int) -> None:
    lines = ["1 0 0:1 / / rw - t n rw", "2 1 0:2 / /a/b rw - t n rw", "3 2 0:3 / /a/b rw - t n rw"]
    found = mount_of(path, map(parse_line, lines))
    assert found is not None
    assert found.mount_id == mount_id


def test_no_mount_holds_a_relative_path() -> None:
    assert mount_of("a", [parse_line("1 0 0:1 / / rw - t n rw")]) is None


def test_this_process_has_a_root() -> None:
    found = mount_of("/", read_mounts())
    assert found is not None
    assert found.mountpoint == "/"
