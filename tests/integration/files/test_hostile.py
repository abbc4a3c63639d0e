"""Containers that exchange directories for links while their files are copied (CVE-2018-15664).

The links lead to a directory of the host's that the container cannot see. Whatever is won or lost
in the race, nothing of it may come out, and nothing may get into it.
"""

from __future__ import annotations

import itertools
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.files.support import archive, get, members, put
from tests.support.subject import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.subject import Subject

SECONDS = 2.5
SECRET = b"the host's\n"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The host's directory, readable by all."""
    folder = tmp_path / "host"
    (folder / "sub").mkdir(parents=True)
    (folder / "secret").write_bytes(SECRET)
    (folder / "sub/secret").write_bytes(SECRET)
    return folder


def swapping(ours: Subject, link: str) -> None:
    """A container in which /d is now a directory, now a link."""
    script = (
        f"mkdir -p /real/sub; echo own >/real/secret; ln -s '{link}' /link; touch /ready;"
        " while :; do mv -T /real /d; mv -T /d /real; mv -T /link /d; mv -T /d /link; done"
    )
    ours.create("sh", "-c", script)
    assert ours.start().status == 204
    assert eventually(lambda: get(ours, "/ready").status == 200)


def for_a_while() -> itertools.takewhile[int]:
    end = time.monotonic() + SECONDS
    return itertools.takewhile(lambda _: time.monotonic() < end, itertools.count())


@pytest.mark.parametrize("up", ["", "../../../../../../../../../.."])
def test_nothing_of_the_hosts_comes_out(ours: Subject, target: Path, up: str) -> None:
    swapping(ours, f"{up}{target}")
    seen = set()
    for number in for_a_while():
        answer = get(ours, ("/d/secret", "/d", "/d/", "/d/.")[number % 4])
        seen.add(answer.status)
        if answer.status == 200:
            assert SECRET not in members(answer.body).values()
    assert seen <= {200, 404, 500}
    assert 404 in seen or 500 in seen  # the link was met
    assert 200 in seen


@pytest.mark.parametrize("up", ["", "../../../../../../../../../.."])
def test_nothing_gets_into_the_hosts(ours: Subject, target: Path, up: str) -> None:
    swapping(ours, f"{up}{target}")
    seen = set()
    for number in for_a_while():
        path, name = (("/d", "new"), ("/d/sub", "new"), ("/", "d__new"), ("/", "d__sub__new"))[
            number % 4
        ]
        seen.add(put(ours, path, archive(**{name: b"x"})).status)
    assert seen <= {200, 404, 500, 400}
    assert 200 in seen
    assert sorted(p.relative_to(target).as_posix() for p in target.rglob("*")) == [
        "secret",
        "sub",
        "sub/secret",
    ]
    assert {p.read_bytes() for p in target.rglob("secret")} == {SECRET}


def test_a_mount_point_that_is_exchanged(ours: Subject, target: Path) -> None:
    """Volumes are mounted for the copy inside the container's root only, wherever the mount point
    leads to at that moment."""
    ours.create(
        "sh",
        "-c",
        f"mkdir /m2; ln -s {target} /l; touch /ready;"
        " while :; do mv -T /m /m3; mv -T /l /m; mv -T /m /l; mv -T /m3 /m; done",
        host={"Binds": ["exchanged:/m/in"]},
    )
    assert ours.start().status == 204
    assert eventually(lambda: get(ours, "/ready").status == 200)
    for _ in for_a_while():
        assert put(ours, "/m/in", archive(x=b"x")).status in {200, 404, 500}
    assert sorted(p.name for p in target.iterdir()) == ["secret", "sub"]


def test_code_is_not_loaded_from_the_container(ours: Subject) -> None:
    """Modules where Python would look for them, in the container (CVE-2019-14271)."""
    planted = b"import os; os.system('touch /planted')\n"
    names = ["shutil", "json", "encodings__idna", "pwd", "grp", "linecache", "traceback", "site"]
    ours.create("true")
    libraries = [path.strip("/") for path in sys.path if path.startswith("/")]
    for folder in ("", "usr/lib/python3/dist-packages", *libraries):
        below = {f"{folder}/{name}.py".lstrip("/"): planted for name in names}
        assert put(ours, "/", archive(**below)).status == 200
    for path in ("/", "/nosuch", "/etc/passwd/x", "/shutil.py"):
        get(ours, path)
    assert put(ours, "/tmp", b"nonsense" * 100).status == 500
    assert put(ours, "/tmp", archive(x=b"1"), "&copyUIDGID=1").status == 200
    assert ours.api("GET", "/containers/box/changes").status == 200
    assert get(ours, "/planted").status == 404
