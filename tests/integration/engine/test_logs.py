"""Logs through the API: whoever follows loses nothing, and a log that fails stops nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.dockerd import docker_env
from tests.support.engine import Engine
from tests.support.subject import eventually
from tests.support.syslog_server import SyslogServer
from tests.support.toolchain import docker_cli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.subject import Subject

FAILED = "failed to log messages"


class Following:
    """`docker logs -f` in the background."""

    def __init__(self, subject: Subject, *options: str) -> None:
        self._process = subprocess.Popen(
            [str(docker_cli()), "logs", "-f", *options, "box"],
            env=docker_env(subject.host, subject.daemon.workspace),
            stdout=subprocess.PIPE,
            text=True,
        )

    def begun(self) -> str:
        """Wait for its first line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def ended(self, seconds: float = 60) -> list[str]:
        """Wait for its end; the lines."""
        output, _ = self._process.communicate(timeout=seconds)
        return output.splitlines()


def run(subject: Subject, script: str, *options: str) -> None:
    done = subject.docker("run", "-d", "--name=box", *options, "busybox", "sh", "-c", script)
    assert done.returncode == 0, done.stderr


def log_options(driver: str, **options: str) -> list[str]:
    words = [f"--log-driver={driver}"]
    return words + [f"--log-opt={key.replace('_', '-')}={value}" for key, value in options.items()]


def complaints(subject: Subject) -> int:
    """How often the engine's log has told of logs that fail."""
    return subject.daemon.daemon.log.read_text().count(FAILED)


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        pytest.param("json-file", {"max_size": "20k"}, marks=pytest.mark.thorough),
        ("json-file", {"max_size": "20k", "max_file": "3", "compress": "true"}),
        pytest.param("local", {"max_size": "20k", "max_file": "2"}, marks=pytest.mark.thorough),
    ],
)
def test_whoever_follows_loses_nothing_by_rotation(
    ours: Subject, tmp_path: Path, driver: str, options: dict[str, str]
) -> None:
    """Some hundred rotations while three clients follow, one of them from the start."""
    go = f"--volume={tmp_path}:/go:ro"
    script = "echo first; until [ -e /go/go ]; do sleep 0.05; done; seq 1 40000"
    run(ours, script, go, *log_options(driver, **options))
    assert eventually(lambda: ours.logs() == "first\n")
    followers = [Following(ours), Following(ours, "--tail=0"), Following(ours, "--tail=5")]
    assert eventually(lambda: log_is_open(ours, 1 + 2 * len(followers)), seconds=20)
    assert [followers[at].begun() for at in (0, 2)] == ["first\n", "first\n"]
    (tmp_path / "go").touch()
    expected = [str(number) for number in range(1, 40_001)]
    seen = [each.ended() for each in followers]
    assert [(len(lines), lines[:2], lines[-1:]) for lines in seen] == [
        (40_000, ["1", "2"], ["40000"])
    ] * 3
    assert ours.wait()["StatusCode"] == 0
    kept = ours.logs().splitlines()
    assert kept == expected[-len(kept) :]
    assert len(kept) < 20_000


def log_is_open(subject: Subject, times: int) -> bool:
    """Whether the engine has log files open so many times; a follower has its own."""
    opened = 0
    for descriptor in Path(f"/proc/{subject.daemon.daemon.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            opened += subject.identity() in os.readlink(descriptor)
    return opened >= times


@pytest.fixture
def small_disk(ours: Subject) -> Iterator[Path]:
    """A container `box` of the local driver, whose log has a disk of 64 kB."""
    created = ours.docker(
        *("create", "--name=box", "--log-driver=local", "busybox", "sh", "-c"),
        "seq 1 100000; echo end; echo end >&2",
    )
    assert created.returncode == 0, created.stderr
    assert isinstance(ours.daemon, Engine)
    folder = ours.daemon.data_root / "containers" / ours.identity() / "local-logs"
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_stops_nobody_and_is_told_of_once(ours: Subject, small_disk: Path) -> None:
    before = complaints(ours)
    done = ours.docker("start", "-a", "box")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 100_001  # who is attached sees all
    assert complaints(ours) == before + 1
    kept = ours.docker("logs", "box").stdout.splitlines()
    assert kept == [str(number) for number in range(1, len(kept) + 1)]
    assert 500 < len(kept) < 10_000
    # with room again, the log goes on after its last whole record
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert ours.docker("start", "-a", "box").returncode == 0
    again = ours.docker("logs", "box").stdout.splitlines()
    assert again[: len(kept)] == kept
    assert again[-100_001:] == [*(str(number) for number in range(1, 100_001)), "end"]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SyslogServer]:
    made = await SyslogServer("tcp", tmp_path).start()
    yield made
    await made.stop()


async def test_a_server_that_goes_stops_nobody_and_is_told_of_once(
    ours: Subject, server: SyslogServer, tmp_path: Path
) -> None:
    before = complaints(ours)
    script = (
        "echo one; until [ -e /go/go ]; do sleep 0.05; done; "
        "for i in $(seq 50); do echo $i; sleep 0.01; done"
    )
    options = log_options("syslog", syslog_address=server.address)
    await asyncio.to_thread(run, ours, script, f"--volume={tmp_path}:/go:ro", *options)
    await server.has(1)
    await server.stop()
    (tmp_path / "go").touch()
    ended = await asyncio.to_thread(ours.wait)
    assert ended["StatusCode"] == 0
    assert complaints(ours) == before + 1
    await server.start()
    said = (await asyncio.to_thread(ours.logs)).splitlines()
    assert said == ["one", *(str(number) for number in range(1, 51))]  # the cache has it all


async def test_an_engine_that_starts_anew_takes_the_log_up_again(
    ours: Subject, server: SyslogServer, tmp_path: Path
) -> None:
    """Also while the server is not there: the container has to run on."""
    script = (
        "echo one; until [ -e /go/two ]; do sleep 0.05; done; echo two; "
        "until [ -e /go/three ]; do sleep 0.05; done; echo three"
    )
    options = log_options("syslog", syslog_address=server.address)
    await asyncio.to_thread(run, ours, script, f"--volume={tmp_path}:/go:ro", *options)
    await server.has(1)
    await asyncio.to_thread(ours.daemon.kill)
    await server.stop()
    await asyncio.to_thread(ours.daemon.start)
    (tmp_path / "two").touch()
    assert await asyncio.to_thread(lambda: eventually(lambda: "two" in ours.logs()))
    await server.start()
    (tmp_path / "three").touch()
    await server.has(2)
    assert (await asyncio.to_thread(ours.wait))["StatusCode"] == 0
    assert ours.logs() == "one\ntwo\nthree\n"
    assert [message.rpartition(b": ")[2] for message in server.messages] == [b"one", b"three"]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_an_engine_that_starts_anew_goes_on_with_the_file(
    ours: Subject, tmp_path: Path, driver: str
) -> None:
    script = "echo one; until [ -e /go/go ]; do sleep 0.05; done; echo two"
    run(ours, script, f"--volume={tmp_path}:/go:ro", *log_options(driver))
    assert eventually(lambda: ours.logs() == "one\n")
    ours.daemon.kill()
    ours.daemon.start()
    following = Following(ours)
    (tmp_path / "go").touch()
    assert following.ended() == ["one", "two"]
    assert ours.docker("logs", "--tail=1", "box").stdout == "two\n"


def test_logs_are_read_while_containers_end_and_start(ours: Subject) -> None:
    """Readers come at any moment of a run; the log is whole in the end."""
    run(ours, "seq 1 3000", *log_options("local", max_size="2k", max_file="500"))
    for _ in range(4):
        ours.docker("logs", "box")
        ours.docker("start", "box")
    ours.wait()
    said = ours.logs()
    one_run = "".join(f"{number}\n" for number in range(1, 3001))
    assert said == one_run * (len(said) // len(one_run))
