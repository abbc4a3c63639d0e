"""The stock docker CLI on our socket: the ways in which people use it."""

from __future__ import annotations

import contextlib
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support import images
from tests.support.subject import assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.pty import Terminal
    from tests.support.subject import Subject

HELP = "\n\nRun 'docker run --help' for more information\n"
DETACH = "\x10\x11"


def out(subject: Subject, *arguments: str, **options: str | bytes) -> str:
    """What a command that succeeds prints."""
    done = subject.docker(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextlib.contextmanager
def terminal(subject: Subject, *arguments: str) -> Iterator[Terminal]:
    with subject.terminal(*arguments) as program:
        yield program


def prompt(program: Terminal) -> None:
    program.expect(r"# ")


# --- images and the foreground ------------------------------------------------------------------


def test_load_and_run(ours: Subject, tmp_path: Path) -> None:
    archive = images.busybox_archive(tmp_path / "demo.tar", "demo:latest")
    assert out(ours, "load", "-i", str(archive)) == "Loaded image: demo:latest"
    assert out(ours, "load", input=archive.read_bytes()) == "Loaded image: demo:latest"
    done = ours.docker("run", "--rm", "demo", "echo", "hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")
    assert out(ours, "ps", "--all", "--quiet") == ""
    assert_settles(ours.traces)


@pytest.mark.parametrize("code", [0, 1, 42, 125, 255])
def test_the_exit_code_is_the_containers(ours: Subject, code: int) -> None:
    done = ours.docker("run", "--rm", "busybox", "sh", "-c", f"exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.runc
@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("nonexist", 127, 'exec: "nonexist": executable file not found in $PATH'),
        ("/nonexist", 127, 'exec: "/nonexist": stat /nonexist: no such file or directory'),
        ("/etc", 126, 'exec: "/etc": permission denied'),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_what_cannot_be_run(ours: Subject, command: str, code: int, words: str) -> None:
    done = ours.docker("run", "--rm", "busybox", command)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == (
        "docker: Error response from daemon: failed to create task for container: failed to create"
        " shim task: OCI runtime create failed: runc create failed: unable to start container"
        f" process: {words}{HELP}"
    )
    assert_settles(ours.traces)


def test_a_name_that_is_taken(ours: Subject) -> None:
    identity = out(ours, "create", "--name", "box", "busybox", "true")
    done = ours.docker("run", "--name", "box", "busybox", "true")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr == (
        'docker: Error response from daemon: Conflict. The container name "/box" is already in'
        f' use by container "{identity}". You have to remove (or rename) that container to be able'
        f" to reuse that name.{HELP}"
    )


def test_an_image_that_is_not_there(ours: Subject) -> None:
    done = ours.docker("run", "--pull=never", "nosuch", "true")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr == f"docker: Error response from daemon: No such image: nosuch:latest{HELP}"


def test_input_through_a_pipe(ours: Subject) -> None:
    done = ours.docker("run", "--rm", "-i", "busybox", "cat", input="x\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "x\n", "")
    big = "0123456789abcde\n" * 65536
    assert ours.docker("run", "--rm", "-i", "busybox", "cat", input=big).stdout == big
    assert ours.docker("run", "--rm", "-i", "busybox", "wc", "-c", input="").stdout == "0\n"


def test_the_streams_are_kept_apart(ours: Subject) -> None:
    script = ["busybox", "sh", "-c", "echo out; echo err >&2"]
    done = ours.docker("run", "--rm", *script)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    done = ours.docker("run", "--rm", "-a", "stdout", *script)
    assert (done.stdout, done.stderr) == ("out\n", "")
    done = ours.docker("run", "--rm", "-a", "stderr", *script)
    assert (done.stdout, done.stderr) == ("", "err\n")
    done = ours.docker("run", "--rm", "-a", "stdin", "-i", *script, input="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = ours.docker("run", "--rm", "-t", *script)
    assert (done.stdout, done.stderr) == ("out\r\nerr\r\n", "")


def test_the_id_goes_into_a_file(ours: Subject, tmp_path: Path) -> None:
    file = tmp_path / "cid"
    run = ["run", "--name", "box", "--cidfile", str(file), "busybox", "true"]
    assert ours.docker(*run).returncode == 0
    assert file.read_text() == ours.identity()
    done = ours.docker(*run)
    assert done.returncode == 125
    assert "container ID file found" in done.stderr


def test_a_signal_is_passed_on(ours: Subject) -> None:
    script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    with terminal(ours, "run", "--rm", "--name", "box", "busybox", "sh", "-c", script) as program:
        program.expect("ready")
        program.signal(signal.SIGTERM)
        program.expect("got it")
        assert program.wait() == 9


# --- terminals ----------------------------------------------------------------------------------


def test_a_shell_on_a_terminal(ours: Subject) -> None:
    with ours.terminal("run", "--rm", "-it", "busybox", "sh", rows=31, columns=97) as program:
        prompt(program)
        assert program.is_raw()
        program.send("stty size\n")
        program.expect("31 97")
        program.resize(40, 120)
        assert eventually(lambda: _reports_size(program, "40 120"))
        program.send("tty; exit 5\n")
        program.expect("/dev/pts/0")
        assert program.wait() == 5
    assert_settles(ours.traces)


def _reports_size(program: Terminal, size: str) -> bool:
    """The new size comes through the engine in its own time."""
    program.send("stty size\n")
    return program.expect(r"\n(\d+ \d+)\s*\n")[1] == size


def test_control_c_goes_to_the_container(ours: Subject) -> None:
    with terminal(ours, "run", "--rm", "-it", "busybox", "sh") as program:
        prompt(program)
        program.send("echo $((6 * 7)); sleep 1000\n")
        program.expect("42")
        program.send("\x03")
        prompt(program)
        program.send("echo code $?\n")
        program.expect("code 130")
        prompt(program)
        program.send("\x04")
        assert program.wait() == 0


def test_left_by_keys_and_attached_again(ours: Subject) -> None:
    with terminal(ours, "run", "-it", "--name", "box", "busybox", "sh") as program:
        prompt(program)
        program.send("kept=yes\n")
        prompt(program)
        program.send(DETACH)
        assert program.wait() == 0
    assert ours.state()["Running"]
    with terminal(ours, "attach", "box") as program:
        program.send("echo $kept; exit 3\n")
        program.expect(r"\nyes")
        assert program.wait() == 3
    assert ours.state()["ExitCode"] == 3


def test_started_and_attached_on_a_terminal(ours: Subject) -> None:
    out(ours, "create", "-it", "--name", "box", "busybox", "sh", "-c", "echo hello; read x; exit 4")
    with terminal(ours, "start", "-ai", "box") as program:
        program.expect("hello")
        program.send("\n")
        assert program.wait() == 4


# --- in the background --------------------------------------------------------------------------


def test_detached_logs_wait_rm(ours: Subject) -> None:
    identity = out(ours, "run", "-d", "busybox", "sh", "-c", "echo one; echo two >&2; exit 3")
    assert re.fullmatch("[0-9a-f]{64}", identity)
    assert out(ours, "wait", identity[:12]) == "3"
    done = ours.docker("logs", identity)
    assert (done.stdout, done.stderr) == ("one\n", "two\n")
    assert out(ours, "rm", identity[:12]) == identity[:12]
    assert not ours.exists(identity)
    assert_settles(ours.traces)


def test_logs(ours: Subject) -> None:
    script = "for i in 1 2 3 4 5; do echo $i; sleep 0.02; done"
    out(ours, "run", "--name", "box", "busybox", "sh", "-c", script)
    assert out(ours, "logs", "--tail", "2", "box") == "4\n5"
    assert out(ours, "logs", "--tail", "0", "box") == ""
    assert out(ours, "logs", "-f", "box") == "1\n2\n3\n4\n5"
    stamped = out(ours, "logs", "-t", "box").splitlines()
    times = [line.split()[0] for line in stamped]
    assert times == sorted(times)
    assert [line.split()[1] for line in stamped] == ["1", "2", "3", "4", "5"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", time) for time in times)
    assert out(ours, "logs", "--since", times[3], "box") == "4\n5"
    assert out(ours, "logs", "--until", times[1], "box") == "1\n2"
    assert out(ours, "logs", "--since", "1h", "--tail", "1", "box") == "5"


def test_logs_that_are_followed(ours: Subject) -> None:
    script = "echo one; read x; echo two; exit 3"
    out(ours, "run", "-di", "--name", "box", "busybox", "sh", "-c", script)
    with terminal(ours, "logs", "-f", "box") as program:
        program.expect("one")
        ours.docker("attach", "--sig-proxy=false", "box", input="\n")
        program.expect("two")
        assert program.wait() == 0


def test_stop_kill_and_rm(ours: Subject) -> None:
    trap = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    out(ours, "run", "-d", "--name", "polite", "busybox", "sh", "-c", trap)
    out(ours, "run", "-d", "--name", "stubborn", "busybox", "sleep", "1000")
    out(ours, "run", "-d", "--name", "third", "busybox", "sleep", "1000")
    assert eventually(lambda: ours.logs("polite") == "ready\n")
    assert out(ours, "stop", "-t", "5", "polite") == "polite"
    assert out(ours, "stop", "-t", "0", "stubborn") == "stubborn"
    assert out(ours, "kill", "-s", "KILL", "third") == "third"
    codes = [ours.state(name)["ExitCode"] for name in ("polite", "stubborn", "third")]
    assert codes == [7, 137, 137]
    out(ours, "start", "third")
    done = ours.docker("rm", "third")
    assert done.returncode == 1
    assert done.stderr == (
        'Error response from daemon: cannot remove container "third": container is running: stop'
        " the container before removing or force remove\n"
    )
    assert out(ours, "rm", "-f", "polite", "stubborn", "third").split() == [
        "polite",
        "stubborn",
        "third",
    ]
    assert_settles(ours.traces)


def test_ps(ours: Subject) -> None:
    out(ours, "run", "-d", "--name", "up", "--label", "tier=web", "busybox", "sleep", "1000")
    out(ours, "run", "--name", "done", "busybox", "true")
    assert ours.docker("run", "--name", "failed", "busybox", "sh", "-c", "exit 3").returncode == 3
    out(ours, "create", "--name", "made", "busybox", "true")

    def names(*arguments: str) -> list[str]:
        return out(ours, "ps", "--format", "{{.Names}}", *arguments).split()

    assert names() == ["up"]
    assert names("-a") == ["made", "failed", "done", "up"]
    assert names("-n", "2") == ["made", "failed"]
    assert names("-l") == ["made"]
    assert names("-a", "-f", "status=exited") == ["failed", "done"]
    assert names("-f", "status=created") == ["made"]
    assert names("-a", "-f", "exited=3") == ["failed"]
    assert names("-f", "label=tier=web") == ["up"]
    assert names("-f", "label=tier=db") == []
    assert names("-a", "-f", "name=d") == ["made", "failed", "done"]
    assert names("-a", "-f", "name=^/done$") == ["done"]
    assert names("-a", "-f", f"id={ours.identity('up')[:6]}") == ["up"]
    assert names("-a", "-f", "ancestor=busybox") == ["made", "failed", "done", "up"]
    assert names("-a", "-f", "before=failed") == ["done", "up"]
    assert names("-a", "-f", "since=done") == ["made", "failed"]
    table = out(ours, "ps", "-a", "--no-trunc").splitlines()
    assert table[0].split() == "CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES".split()
    assert re.search(r'busybox +"sh -c \'exit 3\'" .* Exited \(3\) .* failed$', table[2])


def test_inspect_and_rename(ours: Subject) -> None:
    identity = out(ours, "run", "-d", "--name", "box", "-e", "A=b", "busybox", "sleep", "1000")
    template = "{{.Id}} {{.Name}} {{.State.Status}} {{.Config.Image}} {{index .Config.Env 0}}"
    assert out(ours, "inspect", "-f", template, "box") == f"{identity} /box running busybox A=b"
    address = out(ours, "inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", "box")
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", address)
    assert out(ours, "rename", "box", "crate") == ""
    assert out(ours, "inspect", "-f", "{{.Name}}", identity[:12]) == "/crate"
    assert ours.docker("inspect", "box").returncode == 1
    assert out(ours, "inspect", "-s", "-f", "{{.SizeRw}}", "crate").isdigit()


def test_published_ports(ours: Subject) -> None:
    run = ["run", "-d", "--name", "box", "-p", "127.0.0.1::80/tcp", "busybox"]
    out(ours, *run, "httpd", "-f", "-h", "/etc")
    address = out(ours, "port", "box", "80/tcp")
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
    assert f"{address}->80/tcp" in out(ours, "ps", "--format", "{{.Ports}}")
