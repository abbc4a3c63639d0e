"""`run` and what follows it, on dockerd as on our own engine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import runner_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.conftest import Live

QUIET = ("--rm", "--network", "none")
HINT = "\n\nRun 'runner run --help' for more information\n"


def test_output_and_exit_code(live: Live) -> None:
    done = live.runner("run", *QUIET, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert live.names() == []


def test_stdin_ends_when_ours_does(live: Live) -> None:
    done = live.runner("run", "-i", *QUIET, "busybox", "cat", text="a\nb")
    assert (done.returncode, done.stdout) == (0, "a\nb")


def test_much_both_ways(live: Live, tmp_path: Path) -> None:
    data = os.urandom(8 << 20)
    command = [*runner_command(), "run", "-i", *QUIET, "busybox", "cat"]
    done = subprocess.run(
        command, input=data, capture_output=True, env=os.environ | live.env, timeout=120
    )
    assert done.returncode == 0
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_stdin_that_nobody_reads(live: Live) -> None:
    done = live.runner("run", "-i", *QUIET, "busybox", "true", text=b"x" * (4 << 20))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.runc
@pytest.mark.parametrize(
    ("argv", "code", "part"),
    [
        (["nocmd"], 127, 'exec: "nocmd": executable file not found in $PATH'),
        (["/etc"], 126, "permission denied"),
    ],
)
def test_what_cannot_be_started(live: Live, argv: list[str], code: int, part: str) -> None:
    for flags in ((), ("-d",)):
        done = live.runner("run", *flags, *QUIET, "busybox", *argv)
        assert done.returncode == code
        assert done.stderr.startswith("runner: Error response from daemon: failed to create task")
        assert part in done.stderr
        assert done.stderr.endswith(HINT)
        assert live.names() == []


def test_a_name_conflict(live: Live) -> None:
    first = live.runner("run", "-d", "--network", "none", "--name", "one", "busybox", "top")
    done = live.runner("run", "--network", "none", "--name", "one", "busybox", "true")
    assert done.returncode == 125
    assert done.stderr == (
        'runner: Error response from daemon: Conflict. The container name "/one" is already in use '
        f'by container "{first.stdout.strip()}". You have to remove (or rename) that container to '
        f"be able to reuse that name.{HINT}"
    )


def test_streams_one_by_one(live: Live) -> None:
    script = "echo out; echo err >&2"
    done = live.runner("run", "-a", "stderr", *QUIET, "busybox", "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "err\n")
    done = live.runner("run", "-t", *QUIET, "busybox", "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\r\nerr\r\n", "")


def test_detached_then_followed(live: Live) -> None:
    script = "echo one; echo two >&2; exit 3"
    name = live.runner("run", "-d", "--network", "none", "busybox", "sh", "-c", script)
    container = name.stdout.strip()
    assert len(container) == 64
    assert live.runner("wait", container).stdout == "3\n"
    logs = live.runner("logs", container)
    assert (logs.stdout, logs.stderr) == ("one\n", "two\n")
    assert live.runner("rm", container).stdout == f"{container}\n"


def test_signals_reach_the_process(live: Live) -> None:
    script = "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    command = [*runner_command(), "run", *QUIET, "busybox", "sh", "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | live.env
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "got\n"
        assert process.wait(30) == 9


def test_signals_reach_a_process_that_never_stops_talking(live: Live) -> None:
    script = "trap 'exit 9' TERM; yes & wait"
    command = [*runner_command(), "run", *QUIET, "busybox", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | live.env) as process:
        while not live.docker("ps", "-q").stdout:
            time.sleep(0.1)
        time.sleep(0.5)  # until the trap is set, which nothing tells
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 9


def test_a_reader_that_goes_away(live: Live) -> None:
    command = [*runner_command(), "run", *QUIET, "--name", "yes", "busybox", "yes"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | live.env,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "write /dev/stdout: broken pipe\n"
        assert process.wait(30) == 1


def test_the_cid_file(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "cid"
    arguments = ("--cidfile", str(path), "--network", "none", "busybox", "true")
    assert live.runner("run", *arguments).returncode == 0
    assert len(path.read_text()) == 64
    again = live.runner("run", *arguments)
    assert again.returncode == 125
    assert again.stderr == (
        "runner: container ID file found, make sure the other container isn't running or delete "
        f"{path}{HINT}"
    )
    path.unlink()
    live.runner("run", *arguments[:-2], "localhost:1/none")
    assert not path.exists()


def test_a_missing_image_is_looked_for(live: Live) -> None:
    done = live.runner("run", "localhost:1/none")
    first, second, *_ = done.stderr.splitlines()
    assert done.returncode == 125
    assert first == "Unable to find image 'localhost:1/none:latest' locally"
    assert second.startswith("runner: Error response from daemon: ")
    done = live.runner("run", "--pull", "never", "localhost:1/none")
    assert done.stderr == (
        f"runner: Error response from daemon: No such image: localhost:1/none:latest{HINT}"
    )


def test_a_terminal(live: Live) -> None:
    with live.terminal("run", "-it", *QUIET, "busybox", "sh", rows=33, columns=99) as terminal:
        terminal.expect("# ")
        assert terminal.is_raw()
        terminal.send("stty size\n")
        terminal.expect("33 99")
        terminal.resize(40, 120)
        time.sleep(0.5)  # nothing tells that the new size has arrived
        terminal.send("stty size\n")
        terminal.expect("40 120")
        terminal.send("\x03exit 5\n")
        assert terminal.wait() == 5
        assert not terminal.is_raw()


def test_detaching_and_attaching_again(live: Live) -> None:
    arguments = ("run", "-it", "--network", "none", "--name", "tty", "busybox", "sh")
    with live.terminal(*arguments) as terminal:
        terminal.expect("# ")
        terminal.send("\x10\x11")
        assert terminal.wait() == 0
        assert not terminal.is_raw()
    with live.terminal("attach", "--detach-keys", "ctrl-x,x", "tty") as terminal:
        terminal.expect("# ")
        terminal.send("echo a\x10b\n")
        terminal.expect("b")
        terminal.send("\x18x")
        assert terminal.wait() == 1
        assert terminal.text.endswith("read escape sequence\n")
    with live.terminal("attach", "tty") as terminal:
        terminal.expect("# ")
        terminal.send("exit 4\n")
        assert terminal.wait() == 4


def test_start_attached(live: Live) -> None:
    script = "cat; exit 4"
    live.runner("create", "-i", "--network", "none", "--name", "in", "busybox", "sh", "-c", script)
    done = live.runner("start", "-ai", "in", text="in")
    assert (done.returncode, done.stdout) == (4, "in")
    assert live.runner("start", "-a", "in", "up").stderr == (
        "you cannot start and attach multiple containers at once\n"
    )


def test_attach_refuses_what_does_not_run(live: Live) -> None:
    live.runner("create", "--name", "made", "--network", "none", "busybox", "true")
    done = live.runner("attach", "made")
    assert (done.returncode, done.stderr) == (
        1,
        "You cannot attach to a stopped container, start it first\n",
    )
