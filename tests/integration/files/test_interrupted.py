"""Clients, processes and engines that go away in the middle."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.files.support import archive, get, put, workers
from tests.support.process import Process
from tests.support.subject import API, assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.subject import Subject

CHUNK = 1 << 20
LARGE = 200 << 20
"""Bytes of a file of nothing but holes: more than what is on the way can hold."""


@pytest.fixture
def box(ours: Subject) -> Iterator[Subject]:
    """With a running container that has a large file, and a volume."""
    ours.create(
        "sh",
        "-c",
        f"truncate -s {LARGE} /large; exec sleep 1000",
        host={"Binds": ["interrupted:/data"]},
    )
    assert ours.start().status == 204
    assert eventually(lambda: ours.api("HEAD", "/containers/box/archive?path=/large").status == 200)
    yield ours
    assert eventually(lambda: len(workers(ours)) == 2)


class Download:
    """A download that has begun."""

    def __init__(self, subject: Subject, target: str = "archive?path=/large") -> None:
        self._connection = subject.connection()
        self._connection.request("GET", f"{API}/containers/box/{target}")
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        assert len(self.read(CHUNK)) == CHUNK

    def read(self, size: int) -> bytes:
        return self._response.read(size)

    def close(self) -> None:
        """Go away."""
        self._response.close()
        self._connection.close()


Downloads = Callable[..., Download]


@pytest.fixture
def download(box: Subject) -> Iterator[Downloads]:
    """Begins downloads; they are closed in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda *target: stack.enter_context(contextlib.closing(Download(box, *target)))


def at_work(subject: Subject) -> list[Process]:
    """The processes that do a job: all but the helper and the one that waits."""
    _, *others = workers(subject)
    mounts = os.readlink("/proc/self/ns/mnt")
    found = []
    for process in others:
        with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
            if os.readlink(f"/proc/{process.pid}/ns/mnt") != mounts:
                found.append(process)
    return found


def assert_free(subject: Subject) -> None:
    """The container's lock is nobody's: it can be stopped and removed."""
    assert subject.api("POST", "/containers/box/stop?t=0").status == 204
    assert subject.api("DELETE", "/containers/box").status == 204
    assert_settles(subject.traces)


@pytest.mark.parametrize("target", ["archive?path=/large", "archive?path=/", "export"])
def test_a_download_that_nobody_reads_any_more(
    box: Subject, download: Downloads, target: str
) -> None:
    response = download(target)
    assert len(at_work(box)) == 1
    response.close()
    assert eventually(lambda: not at_work(box))
    assert_free(box)


def test_an_upload_that_breaks_off(box: Subject) -> None:
    connection = begin_upload(box, "/data", 10 * CHUNK)
    connection.send(bytes(CHUNK))
    connection.close()
    assert eventually(lambda: not at_work(box))
    assert_free(box)


def test_a_client_that_reads_slowly_keeps_only_its_container_waiting(
    box: Subject, download: Downloads
) -> None:
    response = download()
    box.create("true", name="other")
    assert box.start("other").status == 204
    assert box.wait("other")["StatusCode"] == 0
    assert get(box, "/etc", name="other").status == 200
    response.close()
    assert box.api("DELETE", "/containers/other").status == 204
    assert_free(box)


def test_a_process_that_dies(box: Subject, download: Downloads) -> None:
    """The client learns that what it has got is not all."""
    response = download()
    (process,) = at_work(box)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        while response.read(1 << 20):
            pass
    assert put(box, "/data", archive(x=b"1")).status == 200
    assert_free(box)


def test_a_helper_that_dies(box: Subject, download: Downloads) -> None:
    """What is under way goes on; the next job finds a new one."""
    response = download()
    helper, *others = workers(box)
    waiting = [p for p in others if p not in at_work(box)]
    for process in (helper, *waiting):
        os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: Process.read(helper.pid) is None)
    box.create("true", name="other")
    assert get(box, "/etc", name="other").status == 200
    assert len(response.read(10 << 20)) == 10 << 20
    response.close()
    assert box.api("DELETE", "/containers/other").status == 204
    assert_free(box)


def test_an_engine_that_is_killed(box: Subject, download: Downloads) -> None:
    """Nothing of what it had begun outlives it, but the container."""
    response = download()
    gone = workers(box)
    box.daemon.kill()
    assert eventually(lambda: not any(Process.read(p.pid) for p in gone))
    response.close()
    box.daemon.start()
    assert box.state()["Running"]
    assert get(box, "/etc/passwd").status == 200
    assert_free(box)


def test_an_engine_that_is_stopped(box: Subject, download: Downloads) -> None:
    response = download()
    gone = workers(box)
    assert box.daemon.stop() == 0
    assert not any(Process.read(p.pid) for p in gone)
    response.close()
    box.daemon.start()
    assert get(box, "/etc/passwd").status == 200


def test_the_container_ends_while_it_is_copied(box: Subject, download: Downloads) -> None:
    """Its exit is handled once the copy has ended, as in dockerd; the copy is whole."""
    response = download()
    os.kill(box.state()["Pid"], signal.SIGKILL)
    received = 1 << 20
    while chunk := response.read(1 << 22):
        received += len(chunk)
    assert received > LARGE
    assert box.wait()["StatusCode"] == 137
    assert box.api("DELETE", "/containers/box").status == 204
    assert_settles(box.traces)


def test_memory_stays_flat(box: Subject, download: Downloads) -> None:
    """Some hundred megabytes, out and in, through the engine and its process."""
    engine = box.daemon.daemon.pid
    before = peak(engine)
    response = download()
    (process,) = at_work(box)
    peaks = [peak(process.pid) for _ in iter(lambda: response.read(1 << 24), b"")]
    assert max(peaks) < 64
    connection = begin_upload(box, "/data", 300 * CHUNK)
    (process,) = at_work(box)
    for _ in range(300):
        connection.send(bytes(CHUNK))
    assert peak(process.pid) < 64
    connection.send(bytes(1024))
    assert connection.getresponse().status == 200
    connection.close()
    assert peak(engine) - before < 64
    assert_free(box)


def begin_upload(subject: Subject, path: str, size: int) -> http.client.HTTPConnection:
    """An upload of one file, of which the data, whole blocks, and the end are still to be sent."""
    info = tarfile.TarInfo("file")
    info.size = size
    connection = subject.connection()
    connection.putrequest("PUT", f"{API}/containers/box/archive?path={path}")
    connection.putheader("Content-Length", str(512 + size + 1024))
    connection.endheaders(info.tobuf())
    assert eventually(lambda: at_work(subject))
    return connection


def peak(pid: int) -> int:
    """The most that a process has ever had in memory, in megabytes; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) // 1024 for x in lines if x.startswith("VmHWM")), 0)
