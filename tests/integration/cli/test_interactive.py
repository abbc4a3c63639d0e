"""Commands that go on until somebody ends them: exec under a terminal, stats, events, logs -f."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.cli.conftest import Live, with_a_box
from tests.support.engine import runner_command

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.oracle


@pytest.fixture
def engine(_oracle_with_busybox: Any) -> Iterator[Live]:
    """dockerd with one container that runs."""
    with with_a_box(_oracle_with_busybox) as live:
        yield live


def started(engine: Live, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*runner_command(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | engine.env,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


# --- exec -------------------------------------------------------------------------------------


def test_a_terminal_in_a_container(engine: Live) -> None:
    with engine.terminal("exec", "-it", "box", "sh", rows=33, columns=99) as terminal:
        terminal.expect("# ")
        assert terminal.is_raw()
        terminal.send("trap 'echo changed' WINCH; stty size\n")
        terminal.expect("33 99")
        terminal.resize(40, 120)
        terminal.send("while stty size | grep -v '40 120'; do :; done; echo d''one\n")
        terminal.expect("done")
        terminal.send("\x03exit 5\n")
        assert terminal.wait() == 5
        assert not terminal.is_raw()


def test_detaching_from_an_exec(engine: Live) -> None:
    with engine.terminal("exec", "-it", "box", "sh") as terminal:
        terminal.expect("# ")
        terminal.send("\x10\x11")
        assert terminal.wait() == 1
        assert terminal.text.endswith("read escape sequence\n")
        assert not terminal.is_raw()
    with engine.terminal("exec", "-it", "--detach-keys", "ctrl-x,x", "box", "sh") as terminal:
        terminal.expect("# ")
        terminal.send("echo a\x10\x11b\n\x18x")
        assert terminal.wait() == 1


def test_input_and_much_of_it(engine: Live) -> None:
    data = os.urandom(8 << 20)
    command = [*runner_command(), "exec", "-i", "box", "cat"]
    done = subprocess.run(
        command, input=data, capture_output=True, env=os.environ | engine.env, timeout=120
    )
    assert done.returncode == 0
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()
    assert engine.runner("exec", "box", "cat", text="ignored").stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_not_the_process(engine: Live, number: int) -> None:
    with started(engine, "exec", "box", "sh", "-c", "echo up; exec sleep 4321") as process:
        assert line(process) == "up\n"
        process.send_signal(number)
        assert process.wait(30) == 0  # as docker's
    assert "sleep 4321" in engine.docker("top", "box", "-o", "pid,args").stdout


def test_a_container_that_ends_ends_its_execs(engine: Live) -> None:
    with started(engine, "exec", "box", "sh", "-c", "echo up; exec sleep 4321") as process:
        assert line(process) == "up\n"
        engine.docker("kill", "box")
        assert process.wait(30) == 137


# --- stats ------------------------------------------------------------------------------------


def test_stats_go_on(engine: Live) -> None:
    with engine.terminal("stats", "box", columns=150) as terminal:
        terminal.expect(r"CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O")
        terminal.expect(r"box +\d+\.\d\d% +[\d.]+\w+ / [\d.]+\w+ +\d+\.\d\d%")
        terminal.expect(r"box +\d+\.\d\d%")  # and again
        assert terminal.raw.startswith(b"\x1b[H")
        terminal.send("\x03")
        assert terminal.wait() == 130


def test_stats_of_all_see_containers_come_and_go(engine: Live) -> None:
    with engine.terminal("stats", "--format", "[{{.Name}}]") as terminal:
        terminal.expect(r"\[box\]")
        run = ("run", "-d", "--network", "none", "--name", "other", "busybox", "sleep", "1000")
        engine.docker(*run)
        terminal.expect(r"\[other\]")
        engine.docker("rm", "-f", "other")
        terminal.expect(r"\[box\][^\[]+\[box\]")
        terminal.send("\x03")
        assert terminal.wait() == 130


def test_stats_of_one_that_is_removed(engine: Live) -> None:
    with engine.terminal("stats", "--format", "{{.Name}}={{.PIDs}}", "box") as terminal:
        terminal.expect("box=1")
        engine.docker("rm", "-f", "box")
        terminal.expect("box=--")
        terminal.send("\x03")
        assert terminal.wait() == 130


def test_stats_once(engine: Live) -> None:
    ours = engine.runner("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}")
    assert ours.returncode == 0
    name, used, _, limit, pids = ours.stdout.split()
    assert (name, pids) == ("box", "1")
    assert used.endswith("iB")
    theirs = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}").stdout
    assert limit == theirs.split()[2]


# --- events, logs, waiting --------------------------------------------------------------------


def test_events_as_they_happen(engine: Live) -> None:
    with started(engine, "events", "-f", "event=rename", "--since", "1m") as process:
        engine.docker("rename", "box", "crate")
        seen = line(process)
        assert " container rename " in seen
        assert seen.endswith("(image=busybox, name=crate, oldName=/box)\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_following_a_log(engine: Live) -> None:
    script = "for i in 1 2 3; do echo $i; sleep 0.1; done; echo end >&2"
    run = ("run", "-d", "--name", "talks", "--network", "none", "busybox", "sh", "-c", script)
    engine.docker(*run)
    done = engine.runner("logs", "-f", "talks")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n2\n3\n", "end\n")


def test_start_attached_leaves_at_a_signal(engine: Live) -> None:
    script = "trap 'echo got' TERM; echo up; while :; do sleep 0.05; done"
    create = ("create", "--name", "traps", "--network", "none", "busybox", "sh", "-c", script)
    engine.docker(*create)
    with started(engine, "start", "-a", "traps") as process:
        assert line(process) == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # as docker's
    with started(engine, "logs", "-f", "traps") as process:  # the process has had the signal
        assert line(process) == "up\n"
        assert line(process) == "got\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


# --- asking first -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["n\n", "", "yes\n", "\n"])
def test_what_is_not_confirmed_is_not_done(engine: Live, answer: str) -> None:
    engine.docker("create", "--name", "idle", "--network", "none", "busybox")
    for command in (("container", "prune"), ("system", "prune")):
        ours, theirs = (run(*command, text=answer) for run in (engine.runner, engine.docker))
        assert (ours.returncode, ours.stdout, ours.stderr) == (0, theirs.stdout, "")
        assert ours.stdout.endswith("Are you sure you want to continue? [y/N] ")
    assert "idle" in engine.names()


def test_what_is_confirmed_is_done(engine: Live) -> None:
    engine.docker("create", "--name", "idle", "--network", "none", "busybox")
    done = engine.runner("container", "prune", text=" Y \n")
    assert done.returncode == 0
    assert "Deleted Containers:" in done.stdout
    assert engine.names() == ["box"]


def test_leaving_a_question(engine: Live) -> None:
    with engine.terminal("container", "prune") as terminal:
        terminal.expect(r"continue\? \[y/N\] ")
        terminal.send("\x03")
        assert terminal.wait() == 0  # as docker's
    assert engine.names() == ["box"]
