"""What shim, runc and kernel have done, as far as it can be seen from here: for traces only.

dockerd sees no more of it: containerd's shim and runc are programs that containerd runs. What they
leave can be looked at, though: the shim and the process in /proc, before and after Tasks.Start.
Nothing here is looked at unless the start is recorded, and nothing depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner import trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.container import Container

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PARENT, _FLAGS, _START_TIME = 1, 6, 19
"""Fields of /proc/PID/stat, counted from the state on."""
_PF_FORKNOEXEC: Final = 0x40
"""Of a process that has not called execve(2) since it was forked (linux/sched.h)."""
_EXECVE_WITHIN: Final = 1.0
"""Seconds; where processors are free it is far less than a thousandth of that."""
_NAMESPACES: Final = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def created(container: Container, pid: int) -> None:
    """After Tasks.Create: the shim that containerd has started, and `runc init`, which waits."""
    if not trace.recorded():
        return
    with _vanishing():
        now, shim = time.time_ns(), int(_stat(pid)[_PARENT])
        began = min(_started_at(shim), now)
        seen = trace.happened(
            "containerd-shim-runc-v2",
            began_ns=began,
            ended_ns=now,
            container=container.id,
            pid=shim,
            command=_command(shim),
        )
        trace.happened(
            "runc create",
            began_ns=max(began, _started_at(pid)),
            ended_ns=now,
            under=seen,
            container=container.id,
            **_process(pid),
        )


async def started(container: Container, pid: int) -> None:
    """After Tasks.Start: the same process, which is the user's program now.

    Tasks.Start is answered when `runc init` has been let go. It calls execve(2) when it is next
    given a processor, which on a busy machine is some time later.
    """
    if not trace.recorded():
        return
    with _vanishing():
        await _execve(pid)
        now = time.time_ns()
        trace.happened(
            "execve", began_ns=now, ended_ns=now, container=container.id, **_process(pid)
        )


async def _execve(pid: int) -> None:
    """Until the process, a child that the runtime forked, is another program."""
    deadline = time.monotonic() + _EXECVE_WITHIN
    while time.monotonic() < deadline:
        forked = int(_stat(pid)[_FLAGS]) & _PF_FORKNOEXEC
        if not forked and _read(f"/proc/{pid}/cmdline"):  # empty until it is loaded
            return
        await asyncio.sleep(0.001)


@contextlib.contextmanager
def _vanishing() -> Iterator[None]:
    """A process may end while it is being looked at."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        yield


def _process(pid: int) -> dict[str, Any]:
    own = {name: _link(f"/proc/self/ns/{name}") for name in _NAMESPACES}
    its = {name: _link(f"/proc/{pid}/ns/{name}") for name in _NAMESPACES}
    return {
        "pid": pid,
        "command": _command(pid),
        "root": _link(f"/proc/{pid}/root"),
        "namespaces": [its[name] for name in _NAMESPACES if its[name] != own[name]],
        "shared_with_host": [name for name in _NAMESPACES if its[name] == own[name]],
        "cgroup": _read(f"/proc/{pid}/cgroup").splitlines()[-1].rpartition(":")[2],
    }


def _command(pid: int) -> str:
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def _stat(pid: int) -> list[str]:
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _started_at(pid: int) -> int:
    """When the process began, in nanoseconds since the epoch, to the kernel's tick."""
    ticks = int(_stat(pid)[_START_TIME])
    uptime = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.time_ns() - uptime + ticks * _TICK


def _link(path: str) -> str:
    return str(Path(path).readlink())


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
