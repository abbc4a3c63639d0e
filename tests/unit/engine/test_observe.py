"""What is seen of a process for a trace, on processes of the test's own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner import trace
from runner.engine import observe
from runner.trace.recordings import Recordings
from tests.unit.engine.support import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADER = f"00-{TRACE}-00f067aa0ba902b7-01"
FORKS = """
import os, sys
pid = os.fork()
if pid:
    print(pid, flush=True)
    os.waitpid(pid, 0)
else:
    sys.stdin.readline()
    os.execvp("cat", ["cat", "-"])
"""


@pytest.fixture
def forked() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that calls execve(2) once it is given a line, and its PID; its parent."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        yield parent, int(parent.stdout.readline())


async def test_the_program_is_waited_for(
    forked: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    parent, pid = forked
    recordings, container = Recordings(), FakeEngine(tmp_path).add()
    with trace.continued(recordings.place(HEADER)):
        looking = asyncio.create_task(observe.started(container, pid))
    await asyncio.sleep(0.05)
    assert not looking.done()
    print(file=parent.stdin, flush=True)
    await looking
    (seen,) = recordings.open(TRACE).documents()
    assert (seen["name"], seen["attributes"]["command"]) == ("execve", "cat -")


async def test_one_that_goes_on_without_it_is_told_as_it_is(
    forked: tuple[subprocess.Popen[str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pid = forked
    recordings, container = Recordings(), FakeEngine(tmp_path).add()
    monkeypatch.setattr(observe, "_EXECVE_WITHIN", 0.01)
    with trace.continued(recordings.place(HEADER)):
        await observe.started(container, pid)
    (seen,) = recordings.open(TRACE).documents()
    assert seen["attributes"]["command"].startswith(sys.executable)


async def test_nothing_is_looked_at_for_nobody(tmp_path: Path) -> None:
    await observe.started(FakeEngine(tmp_path).add(), pid=-1)
