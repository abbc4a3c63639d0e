"""Requests, answers and output that try to be taken for something else, or for too much."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.process import Process
from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject


@pytest.mark.parametrize(
    "declared",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_a_page_in_a_browser_cannot_speak(ours: Subject, declared: str) -> None:
    """Sites that send requests to 127.0.0.1, by DNS rebinding or without: what a page may send
    without being asked (a simple request) is refused, and no other site is let in."""
    headers = {"Content-Type": declared, "Origin": "http://evil.example"}
    body = json.dumps({"Image": "busybox"}).encode()
    answer = ours.daemon.api("POST", "/containers/create?name=box", body, headers=headers)
    assert answer.status == 400
    assert "must be 'application/json'" in answer.message
    assert not ours.exists()
    answer = ours.daemon.api("OPTIONS", "/containers/create", headers=headers)
    for found in (answer, ours.daemon.api("GET", "/version", headers=headers)):
        assert not [name for name in found.headers if name.lower().startswith("access-control")]


def test_an_authorization_that_is_not_there_is_not_promised(ours: Subject) -> None:
    """CVE-2024-41110: requests without their body went past authorization plugins. There are none
    here: an engine that is told to use one does not start, rather than let everybody in."""
    done = ours.daemon.runner("serve", "--authorization-plugin=guard", "--host=unix:///nowhere")
    assert done.returncode != 0
    assert "authorization-plugin" in done.stderr


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_output_that_looks_like_the_logs_own(ours: Subject, driver: str) -> None:
    """A line that is written as the driver would write its record is output like any other."""
    forged = '{"log":"forged\\n","stream":"stderr","time":"2001-01-01T00:00:00.000000000Z"}'
    lines = [f"real{ending}{forged}" for ending in ('"}\n', "\n", "\r", "\x00", '\\n"}\n', "\x0b")]
    said = "".join(line + "\n" for line in lines)
    done = ours.docker(
        "run", "-i", "--name", "box", "--log-driver", driver, "busybox", "cat", input=said
    )
    assert done.stdout == said
    logged = ours.docker("logs", "box")
    assert (logged.stdout, logged.stderr) == (said, "")
    times = ours.docker("logs", "-t", "box").stdout.splitlines()
    assert not any(line.startswith("2001") for line in times)
    assert ours.docker("logs", "--until", "2002-01-01T00:00:00", "box").stdout == ""


def test_a_name_or_label_cannot_write_the_engines_log(ours: Subject) -> None:
    """Whoever reads the engine's log reads what the engine said."""
    log = ours.daemon.daemon.log
    before = log.stat().st_size
    forged = "x\ntime=2001-01-01T00:00:00Z level=info msg=forged"
    ours.docker("run", "--name", forged, "busybox", "true")
    ours.docker("run", "--rm", "-l", forged, "-e", forged, "-h", forged, "busybox", forged)
    ours.docker("pull", "localhost:1/" + forged)
    ours.api("GET", "/containers/x%0Atime=2001%20level=info%20msg=forged/json")
    assert not any(line.startswith(b"time=2001") for line in log.read_bytes()[before:].splitlines())


def test_a_probe_that_never_ends_speaking(ours: Subject) -> None:
    """CVE-2022-31030, CVE-2022-1708: what an exec says was kept whole in the engine's memory."""
    probe = {"Test": ["CMD-SHELL", "head -c 100000000 /dev/zero"], "Interval": 10**9,
             "Timeout": 60 * 10**9, "Retries": 100}  # fmt: skip
    before = _resident(ours)
    ours.create("sleep", "1000", Healthcheck=probe)
    assert ours.start().status == 204
    assert eventually(lambda: ours.state()["Health"]["Log"], seconds=60)
    assert all(len(entry["Output"]) <= 4096 + 3 for entry in ours.state()["Health"]["Log"])
    assert _resident(ours) - before < 40_000


def _resident(subject: Subject) -> int:
    """The engine's memory in KiB, at its largest."""
    status = Path(f"/proc/{subject.daemon.daemon.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_a_list_of_processors_that_never_ends(ours: Subject) -> None:
    """CVE-2018-20699: a range of a thousand million processors or memory nodes."""
    began = time.monotonic()
    for option in ("--cpuset-cpus", "--cpuset-mems"):
        done = ours.docker("create", f"{option}=1-1000000000", "busybox")
        assert done.returncode == 1
        assert "not available" in done.stderr or "nvalid" in done.stderr
    assert time.monotonic() - began < 20
    process = Process.read(ours.daemon.daemon.pid)
    assert process is not None
    assert process.alive()


def test_the_secrets_of_a_login_are_not_written_down(ours: Subject) -> None:
    """CVE-2019-13509: neither in the engine's log nor in an answer."""
    body = {"username": "somebody", "password": "the-password", "serveraddress": "localhost:1"}
    answer = ours.api("POST", "/auth", body)
    assert answer.status >= 400
    assert "the-password" not in answer.message
    assert b"the-password" not in ours.daemon.daemon.log.read_bytes()
