from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.linux.passwd import GroupEntry, PasswdEntry, parse_group, parse_passwd
from runner.oci.user import get_user
from runner.types.errors import InvalidParameter

PASSWD = """\
root:x:0:0:root:/root:/bin/sh

  spaced:x:10:20:::\t
#comment:x:30:30:::
1000:x:7:7:::
app:x:1000:1000::/home/app:/bin/sh
app:x:2000:2000::/home/other:/bin/sh
odd:x:abc:def
nfsnobody:x:4294967294:4294967294
huge:x:99999999999999999999:5
root2:x:4294967296:5
negative:x:6:-1
"""
GROUP = """\
# comment: is no group
root:x:0:root
audio:x:29:app,spaced
video:x:44:spaced,app
app:x:1000:
44:x:555:
noid:x::app
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


@pytest.mark.parametrize(
    ("user", "uid", "gids"),
    [
        ("", 0, [0, 0]),
        ("root", 0, [0, 0]),
        ("app", 1000, [1000, 29, 44, 0]),
        ("1000", 1000, [1000, 29, 44, 0]),
        ("spaced", 10, [20, 29, 44]),
        ("7", 7, [7]),
        ("app:audio", 1000, [29]),
        ("app:44", 1000, [44]),
        ("app:", 1000, [1000, 29, 44, 0]),
        (":audio", 0, [29]),
        ("5:5", 5, [5]),
        ("5", 5, [0]),
        ("+5", 5, [0]),
        ("app:root:ignored", 1000, [0]),
        ("#comment", 30, [30]),
        ("odd", 0, [0]),
        ("nfsnobody", 4294967294, [4294967294]),
    ],
)
def test_users(root: Path, user: str, uid: int, gids: list[int]) -> None:
    found = get_user(root, user)
    assert (found.uid, found.gid, found.additional_gids) == (uid, gids[0], gids)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("1.5", "unable to find user 1.5: no matching entries in passwd file"),
        ("٣", "unable to find user ٣: no matching entries in passwd file"),
        ("app:none", "unable to find group none: no matching entries in group file"),
        ("-1", "uids and gids must be in range 0-2147483647"),
        ("2147483648", "uids and gids must be in range 0-2147483647"),
        ("huge", "uids and gids must be in range 0-2147483647"),
        ("root2", "uids and gids must be in range 0-2147483647"),
        ("negative", "uids and gids must be in range 0-2147483647"),
        ("0:-1", "uids and gids must be in range 0-2147483647"),
        (
            "9" * 30,
            f"unable to find user {'9' * 30}: no matching entries in passwd file",
        ),
    ],
)
def test_errors(root: Path, user: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        get_user(root, user)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("added", "gids"),
    [
        (["audio"], [29]),
        (["44"], [44]),
        (["555"], [555]),
        (["777", "audio", "777"], [777, 29]),
        (["root", "0"], [0]),
    ],
)
def test_group_add(root: Path, added: list[str], gids: list[int]) -> None:
    assert get_user(root, "5", added).additional_gids == [0, *gids]


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("none", "unable to find group none: no matching entries in group file"),
        ("-5", "uids and gids must be in range 0-2147483647"),
        ("", "unable to find group : no matching entries in group file"),
    ],
)
def test_group_add_errors(root: Path, added: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        get_user(root, "", [added])
    assert str(caught.value) == message


def test_without_files(tmp_path: Path) -> None:
    assert get_user(tmp_path, "3:4", ["5"]).additional_gids == [4, 5]
    with pytest.raises(InvalidParameter, match="no matching entries in passwd file"):
        get_user(tmp_path, "root")


def test_links_stay_inside(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "passwd").write_text("evil:x:0:0:::\n")
    for target in (outside / "passwd", Path("../../../../../..") / outside.relative_to("/")):
        (root / "etc/passwd").unlink()
        (root / "etc/passwd").symlink_to(target)
        with pytest.raises(InvalidParameter, match="unable to find user evil"):
            get_user(root, "evil")


def test_absolute_links_are_the_containers(root: Path) -> None:
    (root / "etc/passwd").rename(root / "real")
    (root / "etc/passwd").symlink_to("/real")
    assert get_user(root, "app").uid == 1000


def test_a_fifo_does_not_block(root: Path) -> None:
    (root / "etc/passwd").unlink()
    os.mkfifo(root / "etc/passwd")
    assert get_user(root, "12").uid == 12


def test_huge_files_are_refused(root: Path) -> None:
    with (root / "etc/passwd").open("ab") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(InvalidParameter, match=r"unable to find user nobody: .* larger than"):
        get_user(root, "nobody")


def test_long_lines_are_refused(root: Path) -> None:
    (root / "etc/passwd").write_text("a" * (64 << 10) + "\n" + PASSWD)
    with pytest.raises(InvalidParameter) as caught:
        get_user(root, "app")
    assert str(caught.value) == "unable to find user app: bufio.Scanner: token too long"


def test_long_group_lines_are_fine(root: Path) -> None:
    members = ",".join(f"user{number}" for number in range(20_000))
    (root / "etc/group").write_text(f"many:x:77:{members},app\n")
    assert get_user(root, "app").additional_gids == [1000, 77]


def test_entries() -> None:
    assert list(parse_passwd(b"a:b:1:2\n\n:\nx")) == [
        PasswdEntry("a", 1, 2),
        PasswdEntry("", 0, 0),
        PasswdEntry("x", 0, 0),
    ]
    assert list(parse_group(b"a:b:1:\nb:x:2:c,d:more\n#x:x:1:")) == [
        GroupEntry("a", 1, ()),
        GroupEntry("b", 2, ("c", "d")),
    ]


@given(st.binary(max_size=400))
def test_any_bytes_are_read(content: bytes) -> None:
    list(parse_passwd(content))
    list(parse_group(content))
