"""Nothing that an image holds leads out of its root."""

import errno
import os
from pathlib import Path

import pytest

from runner.linux.rooted import (
    closing_fd,
    make_dirs_in_root,
    open_in_root,
    opened_root,
    read_in_root,
    resolve_in_root,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("host")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("inside")
    return root


@pytest.mark.parametrize(
    "link", ["/etc/passwd", "../../../../etc/passwd", "../../etc/passwd", "passwd"]
)
def test_links_are_followed_inside_the_root(tree: Path, link: str) -> None:
    (tree / "etc/link").symlink_to(link)
    with opened_root(tree) as root:
        assert read_in_root(root, "/etc/link") == b"inside"


@pytest.mark.parametrize("path", ["../secret", "/../secret", "etc/../../secret"])
def test_dots_end_at_the_root(tree: Path, path: str) -> None:
    with opened_root(tree) as root, pytest.raises(FileNotFoundError):
        read_in_root(root, path)


def test_a_resolved_path_is_the_hosts(tree: Path) -> None:
    (tree / "a").symlink_to("/etc")
    with opened_root(tree) as root:
        assert resolve_in_root(root, "/a/passwd") == tree / "etc/passwd"
        assert resolve_in_root(root, "/") == tree
        assert resolve_in_root(root, "") == tree


def test_a_fifo_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "etc/fifo")
    with opened_root(tree) as root, pytest.raises(OSError, match="not a regular file"):
        read_in_root(root, "etc/fifo")


def test_reading_ends_at_the_limit(tree: Path) -> None:
    with opened_root(tree) as root:
        assert read_in_root(root, "etc/passwd", limit=3) == b"ins"


def test_opening_creates_with_mode(tree: Path) -> None:
    with opened_root(tree) as root:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with closing_fd(open_in_root(root, "/etc/new", flags, 0o600)):
            pass
    assert (tree / "etc/new").stat().st_mode & 0o777 == 0o600


def test_magic_links_are_refused() -> None:
    with opened_root("/proc") as root, pytest.raises(OSError) as caught:
        open_in_root(root, "self/exe")
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("/a/b/c", "a/b/c"),
        ("/etc/x", "etc/x"),
        ("/out/x", "nowhere/x"),
        ("/up/x", "up-target/x"),
        ("/a/../b", "b"),
        ("/", "."),
    ],
)
def test_directories_are_made_inside_the_root(tree: Path, path: str, made: str) -> None:
    (tree / "out").symlink_to("/nowhere")
    (tree / "up").symlink_to("../../../up-target")
    with opened_root(tree) as root, closing_fd(make_dirs_in_root(root, path, 0o750)) as fd:
        assert Path(f"/proc/self/fd/{fd}").readlink() == (tree / made).resolve()
    assert sorted(entry.name for entry in tree.parent.iterdir()) == ["root", "secret"]


def test_only_new_directories_get_the_mode(tree: Path) -> None:
    (tree / "etc").chmod(0o711)
    with opened_root(tree) as root, closing_fd(make_dirs_in_root(root, "/etc/a/b", 0o777)):
        pass
    modes = [(tree / name).stat().st_mode & 0o777 for name in ("etc", "etc/a", "etc/a/b")]
    assert modes == [0o711, 0o777, 0o777]


def test_a_file_in_the_way(tree: Path) -> None:
    with opened_root(tree) as root, pytest.raises(NotADirectoryError):
        make_dirs_in_root(root, "/etc/passwd/x")


def test_links_in_a_circle(tree: Path) -> None:
    (tree / "one").symlink_to("two")
    (tree / "two").symlink_to("one")
    with opened_root(tree) as root, pytest.raises(OSError) as caught:
        make_dirs_in_root(root, "/one/x")
    assert caught.value.errno == errno.ELOOP
