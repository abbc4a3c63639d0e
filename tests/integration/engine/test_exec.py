"""Execs beyond what a command line shows: terminals, events, what ends them."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.support.subject import Subject


@pytest.fixture
def box(subject: Subject) -> str:
    """A container that runs; its ID."""
    identity = subject.create("sleep", "1000")
    assert subject.start().status == 204
    return identity


def make(subject: Subject, *command: str, **options: Any) -> str:
    """Make an exec; its ID."""
    answer = subject.api("POST", "/containers/box/exec", {"Cmd": list(command), **options})
    assert answer.status == 201, answer.message
    assert list(answer.json()) == ["Id"]
    return str(answer.json()["Id"])


def start(subject: Subject, exec_id: str, **options: Any) -> Any:
    """Start it detached."""
    return subject.api("POST", f"/exec/{exec_id}/start", {"Detach": True, **options})


def inspect(subject: Subject, exec_id: str) -> dict[str, Any]:
    return dict(subject.api("GET", f"/exec/{exec_id}/json").json())


@contextlib.contextmanager
def hijacked(subject: Subject, exec_id: str, **options: Any) -> Iterator[socket.socket]:
    """Start it with its streams on a connection of the test's own."""
    with contextlib.closing(subject.connection()) as connection:
        headers = {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"}
        body = json.dumps(options)
        connection.request("POST", f"/v1.51/exec/{exec_id}/start", body, headers)
        stream = connection.sock
        with connection.getresponse() as answer:
            assert answer.status == 101
            kind = "raw" if options.get("Tty") else "multiplexed"
            assert answer.headers["Content-Type"] == f"application/vnd.docker.{kind}-stream"
            yield stream


def read_to_the_end(stream: socket.socket) -> bytes:
    return b"".join(iter(lambda: stream.recv(4096), b""))


def has_ended(subject: Subject, exec_id: str) -> bool:
    return inspect(subject, exec_id)["Running"] is False


def without_exec_ids(lines: list[str]) -> list[str]:
    return [
        " ".join(word for word in line.split(" ") if not word.startswith("execID="))
        for line in lines
    ]


def test_inspect_from_its_creation_to_its_end(subject: Subject, box: str) -> None:
    exec_id = make(
        subject,
        *("sh", "-c", "test -e /go || sleep 0.5; exit 3"),
        AttachStdout=True,
        DetachKeys="ctrl-a",
        User="1000",
        Privileged=True,
    )
    document = inspect(subject, exec_id)
    assert document == {
        "ID": exec_id,
        "Running": False,
        "ExitCode": None,
        "ProcessConfig": {
            "tty": False,
            "entrypoint": "sh",
            "arguments": ["-c", "test -e /go || sleep 0.5; exit 3"],
            "privileged": True,
            "user": "1000",
        },
        "OpenStdin": False,
        "OpenStderr": False,
        "OpenStdout": True,
        "CanRemove": False,
        "ContainerID": box,
        "DetachKeys": base64.b64encode(b"\x01").decode(),
        "Pid": 0,
    }
    assert subject.inspect()["ExecIDs"] == [exec_id]
    answer = start(subject, exec_id)
    assert (answer.status, answer.body) == (200, b"")
    running = inspect(subject, exec_id)
    assert running == {**document, "Running": True, "Pid": running["Pid"]}
    assert running["Pid"] > 1
    assert eventually(lambda: has_ended(subject, exec_id))
    assert inspect(subject, exec_id)["ExitCode"] == 3
    assert subject.inspect()["ExecIDs"] is None


def test_events(subject: Subject, box: str) -> None:
    began = time.time_ns()
    subject.docker("exec", "box", "sh", "-c", "exit 3")
    subject.docker("exec", "box", "true")
    expected = [
        "container exec_create: sh -c exit 3 name=box",
        "container exec_start: sh -c exit 3 name=box",
        "container exec_die exitCode=3 name=box",
        "container exec_create: true  name=box",
        "container exec_start: true  name=box",
        "container exec_die exitCode=0 name=box",
    ]
    assert eventually(lambda: without_exec_ids(subject.events(began)) == expected)


def test_one_is_started_once(subject: Subject, box: str) -> None:
    exec_id = make(subject, "sleep", "1000")
    assert start(subject, exec_id).status == 200
    answer = start(subject, exec_id)
    assert (answer.status, answer.message) == (409, f"exec command {exec_id} is already running")
    short = make(subject, "true")
    assert start(subject, short).status == 200
    assert eventually(lambda: has_ended(subject, short))
    answer = start(subject, short)
    assert (answer.status, answer.message) == (409, f"exec command {short} has already run")


@pytest.mark.runc
def test_one_that_cannot_start(subject: Subject, box: str) -> None:
    exec_id = make(subject, "nonexist")
    answer = start(subject, exec_id)
    assert answer.status == 400
    assert answer.message.endswith('exec: "nonexist": executable file not found in $PATH')
    document = inspect(subject, exec_id)
    assert (document["ExitCode"], document["Running"]) == (127, False)
    assert subject.inspect()["ExecIDs"] is None
    answer = subject.api("POST", f"/exec/{exec_id}/resize?h=1&w=1")
    assert answer.status == 400


@pytest.mark.parametrize("path", ["json", "start", "resize?h=1&w=1"])
def test_unknown(subject: Subject, box: str, path: str) -> None:
    method = "GET" if path == "json" else "POST"
    answer = subject.api(method, f"/exec/nosuch/{path}", {} if path == "start" else None)
    assert (answer.status, answer.message) == (404, "No such exec instance: nosuch")


def test_bad_requests(subject: Subject, box: str) -> None:
    for body in ({}, {"Cmd": []}, {"Cmd": None}):
        answer = subject.api("POST", "/containers/box/exec", body)
        assert (answer.status, answer.message) == (400, "No exec command specified")
    answer = subject.api("POST", "/containers/box/exec", {"Cmd": ["x"], "DetachKeys": "nonsense"})
    assert (answer.status, answer.message) == (500, "Invalid escape keys (nonsense) provided")
    exec_id = make(subject, "true", Tty=True)
    answer = subject.api("POST", f"/exec/{exec_id}/resize?h=x&w=1")
    assert (answer.status, answer.message) == (
        400,
        'invalid resize height "x": invalid syntax',
    )


def test_a_terminal(subject: Subject, box: str) -> None:
    with subject.terminal("exec", "-it", "box", "sh", rows=33, columns=44) as terminal:
        terminal.expect("# ")
        terminal.send("stty size\n")
        terminal.expect("33 44")
        terminal.resize(12, 34)
        terminal.send("until stty size | grep '12 34'; do sleep 0.1; done; exit 5\n")
        assert terminal.wait() == 5


def test_detaching_leaves_it_running(subject: Subject, box: str) -> None:
    with subject.terminal("exec", "-it", "--detach-keys=ctrl-a,b", "box", "cat") as terminal:
        assert eventually(lambda: subject.inspect()["ExecIDs"])
        terminal.send("hello\n")
        terminal.expect("hello")
        (exec_id,) = subject.inspect()["ExecIDs"]
        terminal.send("\x01b")
        terminal.wait()
    assert inspect(subject, exec_id)["Running"] is True


def test_detach_keys_that_the_client_leaves_to_us(ours: Subject) -> None:
    """The docker CLI looks for them itself. dockerd takes its own finding them for a failure."""
    ours.create("sleep", "1000")
    ours.start()
    exec_id = make(ours, "cat", AttachStdin=True, AttachStdout=True, Tty=True, DetachKeys="a,b")
    began = time.time_ns()
    with hijacked(ours, exec_id, Tty=True) as stream:
        stream.sendall(b"xab")
        read_to_the_end(stream)
    assert inspect(ours, exec_id)["Running"] is True
    expected = f"container exec_detach execID={exec_id} name=box"
    assert eventually(lambda: expected in ours.events(began))


def test_a_client_that_goes_leaves_it_running(subject: Subject, box: str) -> None:
    exec_id = make(subject, "sleep", "1000", AttachStdout=True)
    with hijacked(subject, exec_id):
        assert eventually(lambda: inspect(subject, exec_id)["Pid"])
    time.sleep(0.3)
    assert inspect(subject, exec_id)["Running"] is True


def test_the_end_of_the_container_is_its_end(subject: Subject, box: str) -> None:
    exec_id = make(subject, "sleep", "1000")
    start(subject, exec_id)
    began = time.time_ns()
    subject.docker("kill", "box")
    assert eventually(lambda: has_ended(subject, exec_id))
    assert inspect(subject, exec_id)["ExitCode"] == 137
    die = "container die exitCode=137 name=box"
    assert eventually(lambda: die in subject.events(began))
    lines = without_exec_ids(subject.events(began))
    assert lines.index("container exec_die exitCode=137 name=box") < lines.index(die)
    assert subject.inspect()["ExecIDs"] is None
    answer = start(subject, exec_id)
    assert (answer.status, answer.message) == (409, f"container {box} is not running")
    subject.docker("rm", "box")
    answer = subject.api("GET", f"/exec/{exec_id}/json")
    assert (answer.status, answer.message) == (404, f"No such exec instance: {exec_id}")
    assert_settles(subject.traces)


def test_much_output_of_both_kinds(subject: Subject, box: str) -> None:
    script = "head -c 3000000 /dev/zero | tr '\\0' x; head -c 2000000 /dev/zero | tr '\\0' y >&2"
    done = subject.docker("exec", "box", "sh", "-c", script)
    assert (len(done.stdout), len(done.stderr)) == (3_000_000, 2_000_000)
    assert set(done.stdout) == {"x"} and set(done.stderr) == {"y"}


def test_many_at_once(subject: Subject, box: str) -> None:
    until = "until test -e /go; do sleep 0.1; done"
    ids = [make(subject, "sh", "-c", f"{until}; exit {number}") for number in range(10)]
    for exec_id in ids:
        assert start(subject, exec_id).status == 200
    assert sorted(subject.inspect()["ExecIDs"]) == sorted(ids)
    subject.docker("exec", "box", "touch", "/go")
    assert eventually(lambda: all(has_ended(subject, exec_id) for exec_id in ids))
    assert [inspect(subject, exec_id)["ExitCode"] for exec_id in ids] == list(range(10))


def test_one_that_somebody_else_adds(subject: Subject, box: str) -> None:
    """Another client of containerd's: only its end is told, as of one that nobody knows."""
    began = time.time_ns()
    subject.ctr("tasks", "exec", "--exec-id", "foreign", box, "true")
    expected = "container exec_die execID=foreign exitCode=127 name=box"
    assert eventually(lambda: expected in subject.events(began))


def test_nothing_stays_behind(ours: Subject) -> None:
    ours.create("sleep", "1000")
    ours.start()
    before = ours.traces()
    for command in ("true", "nonexist"):
        ours.docker("exec", "-i", "box", command, input="x")
    exec_id = make(ours, "sh", "-c", "sleep 0.2")
    start(ours, exec_id)
    runtime_dir = ours.daemon.exec_root / "containers" / ours.identity()  # type: ignore[union-attr]
    assert eventually(
        lambda: {path.name for path in runtime_dir.iterdir()} == {"init-stdout", "init-stderr"}
    )
    assert ours.traces() == before


def test_an_engine_that_starts_anew_is_with_them_again(ours: Subject) -> None:
    ours.create("sleep", "1000")
    ours.start()
    lasting = make(ours, "sh", "-c", "while ! test -e /go; do sleep 0.1; done; exit 7")
    ending = make(ours, "sh", "-c", "while ! test -e /off; do sleep 0.1; done; exit 8")
    # would be stopped by a full pipe if nobody read its output
    chatting = make(ours, "sh", "-c", "while ! test -e /go; do seq 5000; done; exit 9")
    idle = make(ours, "sh", "-c", "exit 1")
    for exec_id in (lasting, ending, chatting):
        start(ours, exec_id)
    engine = ours.daemon
    engine.kill()
    task = ["tasks", "exec", "--exec-id", "other"]
    ours.ctr(*task, ours.ctr("tasks", "list", "--quiet").strip(), "touch", "/off")
    time.sleep(0.5)
    engine.start()
    assert eventually(lambda: inspect(ours, ending)["ExitCode"] == 8)
    assert sorted(ours.inspect()["ExecIDs"]) == sorted([lasting, chatting, idle])
    assert inspect(ours, lasting)["Running"] is True
    ours.docker("exec", "box", "touch", "/go")
    for exec_id, code in ((lasting, 7), (chatting, 9)):
        assert eventually(lambda exec_id=exec_id: has_ended(ours, exec_id))  # type: ignore[misc]
        assert inspect(ours, exec_id)["ExitCode"] == code
    assert start(ours, idle).status == 200
    assert eventually(lambda: inspect(ours, idle)["ExitCode"] == 1)


def test_a_pause_does_not_freeze_an_exec_in_mid_start(ours: Subject) -> None:
    ours.create("sleep", "1000")
    assert ours.start().status == 204
    for _ in range(5):
        with ThreadPoolExecutor() as pool:
            execs = [pool.submit(ours.docker, "exec", "box", "true") for _ in range(3)]
            done = ours.docker("pause", "box")
            assert done.returncode == 0, done.stderr
            ours.docker("unpause", "box")
            for each in execs:
                assert each.result().returncode in {0, 1, 126}  # or it is paused
    assert ours.docker("rm", "-f", "box").returncode == 0
