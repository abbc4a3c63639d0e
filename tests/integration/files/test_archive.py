"""The archive endpoint: what it answers, tells and leaves behind."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from typing import TYPE_CHECKING

import pytest
import zstandard

from tests.integration.files.support import archive, export, get, members, put, stat
from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.subject import Subject

TREE = (
    "mkdir -p /t/sub; echo one >/t/one; chmod 4755 /t/one; chmod 1777 /t/sub; ln -s one /t/link;"
    " ln -s /t/sub /t/absolute; ln -s nosuch/x /t/dangling; ln -s ../../.. /t/up;"
    " touch -d '2020-01-02 03:04:05' /t/one; mkfifo /t/fifo; mknod /t/null c 1 3"
)
SYMLINK, DIRECTORY, SETUID, STICKY = 1 << 27, 1 << 31, 1 << 23, 1 << 20


@pytest.fixture
def filled(subject: Subject) -> Subject:
    """With a stopped container that has a few files."""
    subject.create("sh", "-c", TREE)
    assert subject.start().status == 204
    assert subject.wait()["StatusCode"] == 0
    return subject


def test_what_is_told_of_a_path(filled: Subject) -> None:
    def told(path: str) -> tuple[str, int, str]:
        answer = filled.api("HEAD", f"/containers/box/archive?path={path}")
        assert (answer.status, answer.body) == (200, b"")
        found = stat(answer)
        return found["name"], found["mode"], found["linkTarget"]

    assert told("/t/one") == ("one", SETUID | 0o755, "")
    assert told("t/one") == ("one", SETUID | 0o755, "")
    assert told("/t/sub") == ("sub", DIRECTORY | STICKY | 0o777, "")
    assert told("/t/sub/") == ("sub", DIRECTORY | STICKY | 0o777, "")
    assert told("/t/sub/.") == (".", DIRECTORY | STICKY | 0o777, "")
    assert told("/t/link") == ("link", SYMLINK | 0o777, "/t/one")
    assert told("/t/absolute") == ("absolute", SYMLINK | 0o777, "/t/sub")
    assert told("/t/absolute/") == ("absolute", DIRECTORY | STICKY | 0o777, "")
    assert told("/t/dangling") == ("dangling", SYMLINK | 0o777, "/t/nosuch/x")
    assert told("/t/up") == ("up", SYMLINK | 0o777, "/")
    assert told("/t/fifo") == ("fifo", 1 << 25 | 0o644, "")
    assert told("/t/null") == ("null", 1 << 26 | 1 << 21 | 0o644, "")
    assert told("/") == ("/", DIRECTORY | 0o755, "")
    found = stat(get(filled, "/t/one"))
    assert (found["size"], found["mtime"]) == (4, "2020-01-02T03:04:05Z")


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        (
            "GET",
            "box/archive?path=/nosuch",
            404,
            "Could not find the file /nosuch in container box",
        ),
        (
            "GET",
            "box/archive?path=nosuch/",
            404,
            "Could not find the file nosuch/ in container box",
        ),
        ("HEAD", "box/archive?path=/nosuch", 404, ""),
        ("GET", "box/archive?path=/etc/passwd/x", 500, "lstat /etc/passwd/x: not a directory"),
        ("GET", "box/archive?path=/etc/passwd/", 500, "lstat /etc/passwd/: not a directory"),
        ("GET", "box/archive", 400, "bad parameter: pathcannot be empty"),
        ("PUT", "box/archive", 400, "bad parameter: pathcannot be empty"),
        ("GET", "nosuch/archive?path=/", 404, "No such container: nosuch"),
        ("PUT", "nosuch/archive?path=/", 404, "No such container: nosuch"),
        ("PUT", "box/archive?path=/x/y", 404, "Could not find the file /x/y in container box"),
        ("PUT", "box/archive?path=/etc/passwd", 400, "extraction point is not a directory"),
        ("PUT", "box/archive?path=/etc/passwd/x", 500, "not a directory"),
        ("GET", "nosuch/export", 404, "No such container: nosuch"),
        ("GET", "nosuch/changes", 404, "No such container: nosuch"),
    ],
)
def test_refusals(subject: Subject, method: str, target: str, status: int, message: str) -> None:
    subject.create("true")
    body = archive(x=b"") if method == "PUT" else None
    answer = subject.api(method, f"/containers/{target}", body)
    assert (answer.status, answer.message) == (status, message)


def test_events(subject: Subject) -> None:
    """Volumes are mounted for every look, and that is told."""
    subject.create("true", host={"Binds": ["events:/data"]})
    began = time.time_ns()
    assert subject.api("HEAD", "/containers/box/archive?path=/data").status == 200
    assert get(subject, "/data").status == 200
    assert put(subject, "/data", archive(x=b"1")).status == 200
    assert get(subject, "/nosuch").status == 404
    assert put(subject, "/nosuch", archive(x=b"1")).status == 404
    mounted = "volume mount destination=/data driver=local propagation= read/write=true"
    unmounted = "volume unmount driver=local"
    assert subject.events(began) == [
        *(mounted, unmounted),
        *(mounted, "container archive-path name=box", unmounted),
        *(mounted, "container extract-to-dir name=box", unmounted),
        *(mounted, unmounted),
        *(mounted, unmounted),
    ]


def test_events_of_export(subject: Subject) -> None:
    subject.create("true")
    began = time.time_ns()
    answer = export(subject)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "bin/busybox" in members(answer.body)
    assert eventually(lambda: subject.events(began)) == ["container export name=box"]


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("gzip, deflate", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("*", True),
    ],
)
def test_compressed_on_request(subject: Subject, accepted: str, compressed: bool) -> None:
    subject.create("true")
    answer = get(subject, "/etc/passwd", headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Type"] == "application/x-tar"
    assert (answer.headers.get("Content-Encoding") == "gzip") is compressed
    body = gzip.decompress(answer.body) if compressed else answer.body
    assert list(members(body)) == ["passwd"]


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
def test_compressed_archives(subject: Subject, compress: Callable[[bytes], bytes]) -> None:
    subject.create("true")
    data = b"x" * 3_000_000
    assert put(subject, "/tmp", compress(archive(big=data, sub__small=b"1"))).status == 200
    found = members(get(subject, "/tmp").body)
    assert found == {"tmp": b"", "tmp/big": data, "tmp/sub": b"", "tmp/sub/small": b"1"}
    half = compress(archive(big=os.urandom(100_000)))[:-20_000]
    assert put(subject, "/tmp", half).status == 500


def test_into_a_running_one(subject: Subject) -> None:
    subject.create("sh", "-c", "until [ -e /tmp/x ]; do sleep 0.05; done; cat /tmp/x")
    assert subject.start().status == 204
    assert put(subject, "/tmp", archive(x=b"arrived\n")).status == 200
    assert subject.wait()["StatusCode"] == 0
    assert subject.logs() == "arrived\n"


def test_mounts_of_a_running_one(subject: Subject) -> None:
    """The view is that of the rootfs and the volumes: a process's own tmpfs is not in it."""
    subject.create(
        "sh",
        "-c",
        "echo 1 >/v/x; echo 2 >/t/x; echo 3 >/y; sleep 1000",
        host={"Binds": ["running:/v"], "Tmpfs": {"/t": ""}},
    )
    assert subject.start().status == 204
    assert eventually(lambda: get(subject, "/y").status == 200)
    assert members(get(subject, "/v").body) == {"v": b"", "v/x": b"1\n"}
    assert members(get(subject, "/t").body) == {"t": b""}
    assert members(get(subject, "/proc").body) == {"proc": b""}


def test_nothing_is_left(ours: Subject) -> None:
    """No mount, no process but the ones that wait for more, and the volume can be removed."""
    ours.create("true", host={"Binds": ["left:/data", "/etc/hostname:/h:ro"]})
    before = ours.traces()
    for _ in range(3):
        assert get(ours, "/").status == 200
        assert get(ours, "/nosuch").status == 404
        assert put(ours, "/data", archive(x=b"1")).status == 200
        assert export(ours).status == 200
        assert ours.api("GET", "/containers/box/changes").status == 200
    assert_settles(ours.traces, before)


def test_a_mount_point_that_does_not_fit(ours: Subject) -> None:
    """The refusal is the user's to read, and leaves nothing behind either."""
    ours.create("true", host={"Binds": ["/etc/hostname:/tmp", "fits:/data"]})
    before = ours.traces()
    answer = get(ours, "/data")
    assert (answer.status, answer.message) == (500, "mount /etc/hostname:/tmp: not a directory")
    assert_settles(ours.traces, before)
