"""Starts that fail: exit codes, texts, states and events, and nothing left but the record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.subject import assert_settles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.subject import Subject

NEVER = "0001-01-01T00:00:00Z"
SHIM = "failed to create task for container: failed to create shim task: "
RUNC = f"{SHIM}OCI runtime create failed: runc create failed: unable to start container process: "
MISMATCH = (
    ": Are you trying to mount a directory onto a file (or vice-versa)?"
    " Check if the specified host path exists and is the expected type"
)
ODD = {"Runtime": "odd"}


@pytest.mark.parametrize(
    ("text", "suffix", "code", "status", "cli_code"),
    [
        ("open /x: permission denied", "", 126, 400, 126),
        ("open /x: Permission Denied", "", 126, 400, 125),
        ("exec /x: is a directory", ": permission denied", 126, 400, 126),
        ("mount /x: not a directory", MISMATCH, 127, 400, 125),
        ("stat /x: no such file or directory", "", 127, 400, 127),
        ('exec: "x": executable file not found in $PATH', "", 127, 400, 127),
        ("no such file or directory, permission denied", "", 126, 400, 127),
        ("not a directory: no such file or directory", MISMATCH, 127, 400, 127),
        ("the moon is full", "", 128, 500, 125),
    ],
)
def test_the_runtimes_words_decide_about_the_exit_code(
    subject: Subject, text: str, suffix: str, code: int, status: int, cli_code: int
) -> None:
    subject.runtime.fail("create", text)
    message = f"{SHIM}OCI runtime create failed: {text}{suffix}"
    subject.create("true", host=ODD)
    began = time.time_ns()
    answer = subject.start()
    assert (answer.status, answer.message) == (status, message)
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", code, message)
    assert (state["Pid"], state["StartedAt"], state["FinishedAt"]) == (0, NEVER, NEVER)
    assert subject.events(began) == ["network disconnect name=bridge type=bridge"]
    done = subject.docker("run", "--rm", "--runtime=odd", "busybox", "true")
    assert done.returncode == cli_code
    assert done.stderr == (
        f"docker: Error response from daemon: {message}\n\n"
        "Run 'docker run --help' for more information\n"
    )
    assert_settles(subject.run_traces)


@pytest.mark.runc
@pytest.mark.parametrize(
    ("command", "words", "code"),
    [
        ("nonexist", 'exec: "nonexist": executable file not found in $PATH', 127),
        ("/none", 'exec: "/none": stat /none: no such file or directory', 127),
        ("/etc", 'exec: "/etc": permission denied', 126),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied', 126),
    ],
)
def test_a_command_that_cannot_be_executed(
    subject: Subject, command: str, words: str, code: int
) -> None:
    began = time.time_ns()
    done = subject.docker("run", "--name=box", "busybox", command)
    assert done.returncode == code
    message = RUNC + words
    assert f"docker: Error response from daemon: {message}\n" in done.stderr
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", code, message)
    assert subject.events(began) == [
        "container create name=box",
        "container attach name=box",
        "network disconnect name=bridge type=bridge",
    ]
    assert_settles(subject.run_traces)


@pytest.mark.runc
def test_a_file_mounted_on_a_directory(subject: Subject, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    subject.create("true", host={"Binds": [f"{file}:/tmp"]})
    answer = subject.start()
    assert answer.status == 400
    assert answer.message.startswith(f'{RUNC}error during container init: error mounting "{file}"')
    assert answer.message.endswith(f": not a directory{MISMATCH}")
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", 127, answer.message)
    assert subject.docker("run", "-v", f"{file}:/tmp", "busybox", "true").returncode == 125
    assert_settles(subject.run_traces)


def test_created_but_not_started(subject: Subject) -> None:
    """Tasks.Create goes well, Tasks.Start fails: the task is killed and deleted again.

    Its exit (137) is an exit like another for dockerd, if the event comes before it is forgotten;
    ours knows better.
    """
    subject.runtime.fail("start", "the moon is full")
    subject.create("true", host=ODD)
    began = time.time_ns()
    answer = subject.start()
    message = answer.message
    assert (answer.status, "OCI runtime start failed: the moon is full" in message) == (500, True)
    assert_settles(subject.run_traces)
    state = subject.state()
    assert (state["Status"], state["Error"]) == ("created", message)
    events = subject.events(began)
    assert events[0] == "network connect name=bridge type=bridge"
    if subject.is_ours:
        assert state["ExitCode"] == 128
        assert events[1:] == ["network disconnect name=bridge type=bridge"]


def test_a_port_that_is_taken(subject: Subject) -> None:
    """The task exists by then; its end is not taken for the container's."""
    taken = {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}}
    subject.create("sleep", "1000", name="first", host=taken, ExposedPorts={"80/tcp": {}})
    assert subject.start("first").status == 204
    before = subject.run_traces()
    port = subject.inspect("first")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    taken["PortBindings"]["80/tcp"][0]["HostPort"] = port
    subject.create("true", host=taken, ExposedPorts={"80/tcp": {}})
    began = time.time_ns()
    answer = subject.start()
    assert answer.status == 500
    assert answer.message.startswith("failed to set up container networking: ")
    assert answer.message.endswith(f"127.0.0.1:{port} failed: port is already allocated")
    assert_settles(subject.run_traces, before)
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", 128, answer.message)
    assert subject.events(began) == ["network disconnect name=bridge type=bridge"]


def test_a_failure_is_forgotten_with_the_next_start(subject: Subject) -> None:
    subject.runtime.fail("create", "the moon is full")
    subject.create("true", host=ODD)
    assert subject.start().status == 500
    subject.runtime.behave()
    assert subject.start().status == 204
    assert subject.wait() == {"StatusCode": 0}
    state = subject.state()
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("exited", 0, "")


def test_a_container_that_has_run_stays_exited(subject: Subject) -> None:
    subject.create("sh", "-c", "exit 3", host=ODD)
    assert subject.start().status == 204
    assert subject.wait() == {"StatusCode": 3}
    first = subject.state()
    subject.runtime.fail("create", "the moon is full")
    assert subject.start().status == 500
    assert subject.state() == {
        **first,
        "ExitCode": 128,
        "Error": f"{SHIM}OCI runtime create failed: the moon is full",
    }


def test_an_auto_remove_container_is_removed(subject: Subject) -> None:
    subject.runtime.fail("create", "no such file or directory")
    identity = subject.create("true", host={**ODD, "AutoRemove": True})
    began = time.time_ns()
    assert subject.start().status == 400
    assert not subject.exists()
    assert subject.create("true") != identity  # the name is free
    assert subject.events(began)[:2] == [
        "network disconnect name=bridge type=bridge",
        "container destroy name=box",
    ]


def test_start_prints_the_error_and_never_the_exit_code(subject: Subject) -> None:
    subject.runtime.fail("create", "no such file or directory")
    subject.create("true", host=ODD)
    message = f"{SHIM}OCI runtime create failed: no such file or directory"
    done = subject.docker("start", "box")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error response from daemon: {message}\nError: failed to start containers: box\n"
    )


def test_restart_of_a_container_that_cannot_start(subject: Subject) -> None:
    subject.runtime.fail("create", "the moon is full")
    identity = subject.create("true", host=ODD)
    answer = subject.api("POST", "/containers/box/restart")
    assert answer.status == 500
    assert answer.message == (
        f"Cannot restart container box: {SHIM}OCI runtime create failed: the moon is full"
    )
    assert subject.state(identity)["ExitCode"] == 128
