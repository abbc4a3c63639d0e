"""Daemons started, watched and ended by their process ID, and a look at what else runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_POLL: Final = 0.02


class HarnessError(Exception):
    """The test machinery itself failed (not the program under test)."""


PATIENCE: Final = float(os.environ.get("RUNNER_TEST_PATIENCE") or 1)
"""How many times as long as usual a slow machine is given."""


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until the condition holds; `HarnessError` when it does not in time."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise HarnessError(f"timed out after {seconds:g} s: {what}")
        time.sleep(_POLL)


def status_number(pid: int, name: str) -> int:
    """A number of /proc/PID/status, such as `Threads` or `VmRSS` (KiB of resident memory)."""
    status = Path(f"/proc/{pid}/status").read_text()
    if (found := re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)) is None:
        raise HarnessError(f"process {pid} has no {name}")
    return int(found[1])


@dataclasses.dataclass(frozen=True)
class Process:
    """One process as /proc shows it."""

    pid: int
    parent: int
    state: str
    started: int
    """Start time in clock ticks since boot: with the PID it names a process for ever."""
    command: tuple[str, ...]

    @classmethod
    def read(cls, pid: int) -> Self | None:
        """The process, or None when it is gone or has become a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        # The name in parentheses may itself hold spaces and parentheses: split after the last one.
        fields = stat.rpartition(")")[2].split()
        state = fields[0]
        if state in "ZX":
            return None
        command = tuple(part.decode(errors="replace") for part in raw.rstrip(b"\0").split(b"\0"))
        return cls(pid, int(fields[1]), state, int(fields[19]), command)

    @property
    def name(self) -> str:
        """The base name of the program."""
        return os.path.basename(self.command[0]) if self.command else ""

    def alive(self) -> bool:
        """Whether this very process (not another one with its PID) still runs."""
        now = Process.read(self.pid)
        return now is not None and now.started == self.started

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            if self.alive():
                os.kill(self.pid, number)

    def cgroups(self) -> list[Path]:
        """The cgroup directories that the process is in, the roots left out."""
        try:
            lines = Path(f"/proc/{self.pid}/cgroup").read_text().splitlines()
        except OSError:
            return []
        mounts = cgroup_mounts()
        found = []
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if path != "/" and (mount := mounts.get(controllers)):
                found.append(mount / path.lstrip("/"))
        return found


def processes() -> Iterator[Process]:
    """Every live process of this PID namespace."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (process := Process.read(int(entry))):
            yield process


def processes_naming(text: str) -> list[Process]:
    """The processes in whose command line the text occurs, this one and its ancestors left out."""
    own = set(_ancestry(os.getpid()))
    return [p for p in processes() if p.pid not in own and any(text in part for part in p.command)]


def _ancestry(pid: int) -> Iterator[int]:
    while pid > 0:
        yield pid
        process = Process.read(pid)
        pid = process.parent if process else 0


def descendants(roots: Iterable[Process]) -> list[Process]:
    """Everything below the given processes, parents before children."""
    everything = list(processes())
    found: list[Process] = []
    frontier = {process.pid for process in roots}
    while frontier:
        below = [process for process in everything if process.parent in frontier]
        found += below
        frontier = {process.pid for process in below}
    return found


def end(victims: Sequence[Process], *, grace: float) -> None:
    """SIGTERM, wait up to `grace` seconds, then SIGKILL and wait; zero grace kills at once."""
    if grace > 0:
        for victim in victims:
            victim.signal(signal.SIGTERM)
        with contextlib.suppress(HarnessError):
            wait_until(lambda: not any(v.alive() for v in victims), seconds=grace, what="SIGTERM")
    for victim in victims:
        victim.signal(signal.SIGKILL)
    names = ", ".join(f"{victim.name}[{victim.pid}]" for victim in victims)
    wait_until(lambda: not any(v.alive() for v in victims), seconds=20, what=f"SIGKILL of {names}")


def cgroup_mounts() -> dict[str, Path]:
    """Where each cgroup hierarchy is mounted, by its controllers ("" is the unified one)."""
    mounts: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        point = Path(left.split()[4])
        if kind == "cgroup2":
            mounts.setdefault("", point)
        elif kind == "cgroup":
            for option in options.split(","):
                mounts.setdefault(option, point)
    for controllers in _v1_hierarchies():
        if point_of := mounts.get(controllers.split(",")[0]):
            mounts.setdefault(controllers, point_of)
    return mounts


def _v1_hierarchies() -> list[str]:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return [match[1] for line in lines if (match := re.match(r"\d+:([^:]+):", line))]


class Daemon:
    """One long-running program with a log file; restartable, ended by its own PID only."""

    known: ClassVar[weakref.WeakSet[Daemon]] = weakref.WeakSet()
    """Every daemon of this process: their logs are what explains a failed test."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self._env = dict(os.environ if env is None else env)
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self.known.add(self)

    @property
    def pid(self) -> int:
        """The PID of the running program."""
        if self._process is None:
            raise HarnessError(f"{self.name} is not started")
        return self._process.pid

    def running(self) -> bool:
        """Whether the program is started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], *, seconds: float = 30) -> None:
        """Start the program and wait until it is ready."""
        if self.running():
            raise HarnessError(f"{self.name} runs already")
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C on the test run reaches the fixtures, not the daemon.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

        def ready_or_dead() -> bool:
            return not self.running() or ready()

        try:
            wait_until(ready_or_dead, seconds=seconds, what=f"{self.name} to serve")
        except HarnessError as error:
            self.kill()
            raise HarnessError(f"{error}\n{self.log_tail()}") from None
        if not self.running():
            raise HarnessError(f"{self.name} ended at once ({self.wait()})\n{self.log_tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the running program."""
        if self.running() and self._process is not None:
            self._process.send_signal(number)

    def stop(self, *, seconds: float = 15) -> int | None:
        """SIGTERM, then SIGKILL when it does not end in time; the exit status."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(seconds)
        return self.kill()

    def kill(self) -> int | None:
        """SIGKILL, at once."""
        self.signal(signal.SIGKILL)
        return self.wait(20)

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for the end; None when it was never started."""
        if self._process is None:
            return None
        return self._process.wait(seconds)

    def log_tail(self, lines: int = 60) -> str:
        """The end of the log, headed with the program's name."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join([f"--- log of {self.name} ---", *text.splitlines()[-lines:]])

    def log_size(self) -> int:
        """The log's length in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def log_since(self, offset: int, lines: int = 60) -> str:
        """The last lines of what was logged after an offset; empty when nothing was."""
        if not self.log.exists():
            return ""
        text = self.log.read_bytes()[offset:].decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
