"""What an engine has when everything is removed, as against the time when it was warm."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from typing import TYPE_CHECKING, Final, Self

from tests.support.engine import Engine
from tests.support.process import descendants, processes, status_number
from tests.support.subject import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.subject import Subject

_SETTLE: Final = 30.0
_GARBAGE: Final = 30.0
"""Seconds; errors that refer to themselves are collected three times a minute (api/serve.py)."""
_MORE_DESCRIPTORS: Final = 2
_MORE_TASKS: Final = 1
_MORE_THREADS: Final = 4
"""Pools grow with what happens at one time, up to their size."""
_MORE_MEMORY: Final = 24 * 1024
"""KiB. Caches that fill up, modules that are loaded when first needed."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """Of one engine, at one moment. Memory in KiB."""

    descriptors: int
    threads: int
    tasks: int
    children: int
    memory: int

    @classmethod
    def take(cls, engine: Engine) -> Self:
        """Now."""
        pid = engine.daemon.pid
        own = [process for process in processes() if process.pid == pid]
        return cls(
            descriptors=len(os.listdir(f"/proc/{pid}/fd")),
            threads=status_number(pid, "Threads"),
            tasks=_tasks(engine),
            children=len(descendants(own)) - len(own),
            memory=resident(engine),
        )

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.threads} threads, {self.tasks} tasks, "
            f"{self.children} children, {self.memory / 1024:.0f} MiB"
        )


def resident(engine: Engine) -> int:
    """KiB of memory that the engine has."""
    return status_number(engine.daemon.pid, "VmRSS")


def _tasks(engine: Engine) -> int:
    """What the engine itself says that it is doing."""
    for path in engine.exec_root.glob("stacks-*"):
        path.unlink()
    engine.daemon.signal(signal.SIGUSR1)
    eventually(lambda: any(engine.exec_root.glob("stacks-*")))
    time.sleep(0.3)
    return sum(path.read_text().count("\nTask ") for path in engine.exec_root.glob("stacks-*"))


class Remains:
    """The comparison of two such moments."""

    def __init__(self, subject: Subject) -> None:
        assert isinstance(subject.daemon, Engine)
        self._subject = subject
        self._engine = subject.daemon
        eventually(lambda: not subject.traces(), seconds=_SETTLE)
        self._before = self._quiet()
        self._after = self._before

    def left(self) -> list[str]:
        """What is there that should not be."""
        eventually(lambda: not self._subject.traces(), seconds=_SETTLE)
        deadline = time.monotonic() + _GARBAGE
        self._after = self._quiet()
        while any(self._grown()) and time.monotonic() < deadline:
            self._after = self._quiet()
        return [*self._grown(), *sorted(self._subject.traces())]

    def _quiet(self) -> Measure:
        """When connections have been closed and helpers have ended."""
        measures = [Measure.take(self._engine)]
        deadline = time.monotonic() + _SETTLE
        while time.monotonic() < deadline:
            time.sleep(1)
            measures.append(Measure.take(self._engine))
            if measures[-1].descriptors == measures[-2].descriptors and len(measures) > 4:
                break
        return measures[-1]

    def _grown(self) -> Iterator[str]:
        limits = {
            "descriptors": _MORE_DESCRIPTORS,
            "tasks": _MORE_TASKS,
            "threads": _MORE_THREADS,
            "children": 0,
            "memory": _MORE_MEMORY,
        }
        for name, more in limits.items():
            before, after = getattr(self._before, name), getattr(self._after, name)
            if after > before + more:
                yield f"{name} have grown from {before} to {after}"

    def __str__(self) -> str:
        return f"when warm {self._before}\nin the end {self._after}"
