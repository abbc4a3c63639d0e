"""The program that tries system calls, tried on calls whose answers are known."""

from __future__ import annotations

import errno
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.syscalls import Call, results, supported, write_program

if TYPE_CHECKING:
    from pathlib import Path

GETPID, CLOSE, READ, PRCTL = 39, 3, 0, 157
SET_SECCOMP_STRICT = (22, 1)


@pytest.mark.skipif(not supported(), reason="the program is x86-64's")
def test_answers_are_told(tmp_path: Path) -> None:
    calls = [Call(GETPID), Call(CLOSE), Call(READ, [0, 1, 1]), Call(9999)]
    program = write_program(tmp_path / "calls", calls)
    done = subprocess.run([program], capture_output=True, input=b"x", check=True)
    assert [answer for _, answer in results(done.stdout, calls)] == [
        "ok", "EBADF", "EFAULT", "ENOSYS",
    ]  # fmt: skip


@pytest.mark.skipif(not supported(), reason="the program is x86-64's")
def test_a_call_that_kills_is_noticed(tmp_path: Path) -> None:
    program = write_program(tmp_path / "calls", [Call(PRCTL, SET_SECCOMP_STRICT), Call(GETPID)])
    assert subprocess.run([program], capture_output=True, check=False).returncode < 0
    with pytest.raises(AssertionError, match="0 bytes came"):
        results(b"", [Call(errno.EPERM)])
