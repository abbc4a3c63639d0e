"""What a container may do equals what dockerd's may: the container itself tells, on both.

A script of busybox' tools (tests/support/confinement.sh) looks at everything that a process can
know of its confinement: capabilities, limits, mounts, hidden and read-only paths, devices, cgroups,
settings of the kernel, what it may do with all that. A program tries every system call there is
(tests/support/syscalls.py).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.compat.compare import without_accidents
from tests.support import syscalls

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

SCRIPT: Final = (Path(__file__).parents[1] / "support/confinement.sh").read_text()

WAYS: Final = {
    "by default": [],
    "privileged": ["--privileged"],
    "without capabilities": ["--cap-drop", "ALL"],
    "with one capability": ["--cap-drop", "ALL", "--cap-add", "SYS_ADMIN"],
    "without seccomp": ["--security-opt", "seccomp=unconfined"],
    "no new privileges": ["--security-opt", "no-new-privileges"],
    "another user": ["--user", "1000"],
    "read-only": ["--read-only", "--tmpfs", "/tmp"],
    "the host's processes": ["--pid", "host", "--ipc", "host"],
    "unmasked": ["--security-opt", "systempaths=unconfined"],
}

_ACCIDENTS: Final = (
    (r"/rt-\w+/ID", "/PARENT/ID"),
    # dockerd makes a data root shared that is not; ours leaves the host's mounts as they are
    (r" (master|shared):\d+\b", ""),
    # containerd's part: where the layers are, and by which call it mounts them
    (r"lowerdir=\S+", "LAYERS"),
    (r"key-users: .*", "key-users"),
)


def described(subject: Subject, output: str) -> list[str]:
    """The script's output with what differs by nature taken out."""
    text = without_accidents(output.replace(str(subject.daemon.workspace.path), "WORKSPACE"))
    for pattern, replacement in _ACCIDENTS:
        text = re.sub(pattern, replacement, text)
    return [_namespace(line) for line in text.splitlines()]


def _namespace(line: str) -> str:
    """A namespace by whose it is."""
    if not (found := re.fullmatch(r"(\w+) \w+:\[(\d+)\]", line)):
        return line
    hosts = os.readlink(f"/proc/self/ns/{found[1]}").endswith(f":[{found[2]}]")
    return f"{found[1]} {'the host' if hosts else 'the container'}'s"


def told(subject: Subject, options: list[str]) -> list[str]:
    """What a container says of itself."""
    done = subject.docker("run", "--rm", "-h", "box", *options, "busybox", "sh", "-c", SCRIPT)
    assert "== sysctls" in done.stdout, done.stdout + done.stderr
    return described(subject, done.stdout)


RARE: Final = {"with one capability", "no new privileges", "the host's processes", "unmasked"}


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, marks=pytest.mark.thorough if way in RARE else ()) for way in WAYS],
)
def test_what_a_container_sees_and_may_do(ours: Subject, dockerd: Subject, way: str) -> None:
    assert told(ours, WAYS[way]) == told(dockerd, WAYS[way])


EXECS: Final = {
    "by default": [],
    "privileged": ["--privileged"],
    "another user": ["--user", "tester"],
}


@pytest.mark.parametrize("way", EXECS)
def test_what_an_exec_sees_and_may_do(ours: Subject, dockerd: Subject, way: str) -> None:
    def told_by_exec(subject: Subject) -> list[str]:
        subject.docker("run", "-d", "--name", "box", "-h", "box", "busybox", "sleep", "1000")
        done = subject.docker("exec", *EXECS[way], "box", "sh", "-c", SCRIPT)
        assert "== sysctls" in done.stdout, done.stdout + done.stderr
        return described(subject, done.stdout)

    assert told_by_exec(ours) == told_by_exec(dockerd)


@pytest.mark.skipif(not syscalls.supported(), reason="the program is x86-64's")
@pytest.mark.parametrize(
    "way", ["by default", "privileged", "with one capability", "without seccomp", "another user"]
)
def test_every_system_call(ours: Subject, dockerd: Subject, tmp_path: Path, way: str) -> None:
    program = syscalls.write_program(tmp_path / "calls")
    bind = f"{program}:/calls:ro"

    def answers(subject: Subject) -> list[tuple[syscalls.Call, str]]:
        done = subject.docker("run", "--rm", *WAYS[way], "-v", bind, "busybox", "/calls")
        assert done.returncode == 0, done.stderr
        return syscalls.results(done.stdout.encode(errors="surrogateescape"))

    theirs = answers(dockerd)
    assert answers(ours) == theirs
    refused = sum(answer == "EPERM" for _, answer in theirs)
    assert (refused > 100) is (way not in {"privileged", "without seccomp"})
