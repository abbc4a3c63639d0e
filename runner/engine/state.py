"""The life of a container as dockerd knows it (moby container/state.go).

    created ──start──> running ──exit──> exited ──start──> running …
                        │  ▲               │
                     pause unpause      restart policy: restarting ──> running
                        ▼  │
                       paused          any but running ──rm──> removing ──> gone, or dead

Paused and restarting are kinds of running, as in moby.
"""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from runner.types import times
from runner.types.container import Health, StateInspect
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.engine.exit_status import ExitStatus


class Status(StrEnum):
    """The seven states that users see."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class WaitCondition(StrEnum):
    """What a wait waits for (moby container.WaitCondition)."""

    NOT_RUNNING = "not-running"
    NEXT_EXIT = "next-exit"
    REMOVED = "removed"

    @classmethod
    def parse(cls, text: str) -> WaitCondition:
        """The condition, `not-running` by default. Raises InvalidParameter."""
        try:
            return cls(text or cls.NOT_RUNNING)
        except ValueError:
            raise InvalidParameter(f'invalid condition: "{text}"') from None


class State(msgspec.Struct):
    """The persisted state. Change it under the container's lock, then checkpoint."""

    running: bool = False
    paused: bool = False
    restarting: bool = False
    oom_killed: bool = False
    removal_in_progress: bool = False
    dead: bool = False
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str = times.ZERO_TIME
    finished_at: str = times.ZERO_TIME
    health: Health | None = None

    @property
    def status(self) -> Status:
        """moby StateString: the order of the questions matters."""
        if self.running:
            if self.paused:
                return Status.PAUSED
            return Status.RESTARTING if self.restarting else Status.RUNNING
        if self.removal_in_progress:
            return Status.REMOVING
        if self.dead:
            return Status.DEAD
        return Status.CREATED if self.started_at == times.ZERO_TIME else Status.EXITED

    def set_running(self, pid: int, started_at: str) -> None:
        """The task runs (moby SetRunning)."""
        self.error = ""
        self.running = True
        self.restarting = self.paused = self.oom_killed = False
        self.exit_code = 0
        self.pid = pid
        self.started_at = started_at

    def set_stopped(self, ended: ExitStatus) -> None:
        """The task has ended and is not started again (moby SetStopped)."""
        self.running = self.paused = self.restarting = False
        self.pid = 0
        self.finished_at = ended.exited_at
        self.exit_code = ended.exit_code

    def set_restarting(self, ended: ExitStatus) -> None:
        """The task has ended; the restart policy brings it back (moby SetRestarting)."""
        self.running = self.restarting = True
        self.paused = False
        self.pid = 0
        self.finished_at = ended.exited_at
        self.exit_code = ended.exit_code

    def inspect(self) -> StateInspect:
        """The Engine API's view."""
        return StateInspect(
            status=self.status,
            running=self.running,
            paused=self.paused,
            restarting=self.restarting,
            oom_killed=self.oom_killed,
            dead=self.dead,
            pid=self.pid,
            exit_code=self.exit_code,
            error=self.error,
            started_at=self.started_at,
            finished_at=self.finished_at,
            health=self.health,
        )


class Waiters:
    """Who waits for the container to stop or go (moby State.Wait)."""

    def __init__(self) -> None:
        self._stop: set[asyncio.Future[None]] = set()
        self._removed: set[asyncio.Future[None]] = set()

    def on_stop(self) -> asyncio.Future[None]:
        """Done at the next exit, or at the removal."""
        return self._register(self._stop)

    def on_removed(self) -> asyncio.Future[None]:
        """Done when the container is gone or could not be removed."""
        return self._register(self._removed)

    def stopped(self) -> None:
        """Wake those who wait for an exit."""
        self._wake(self._stop)

    def removed(self) -> None:
        """Wake everybody: a removed container does not run."""
        self._wake(self._stop)
        self._wake(self._removed)

    @staticmethod
    def _register(group: set[asyncio.Future[None]]) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        group.add(future)
        future.add_done_callback(group.discard)
        return future

    @staticmethod
    def _wake(group: set[asyncio.Future[None]]) -> None:
        for future in list(group):
            if not future.done():
                future.set_result(None)


def count_states(states: Iterable[State]) -> dict[str, int]:
    """How many run, are paused, or are neither, restarting ones among them (setStateCounter)."""
    counts = {"running": 0, "paused": 0, "stopped": 0}
    for state in states:
        counts[state.status if state.status in counts else "stopped"] += 1
    return counts


def human_duration(seconds: float) -> str:
    """A duration as `ps` says it (docker/go-units HumanDuration)."""
    whole = int(seconds)
    minutes, hours = whole // 60, int(seconds / 3600 + 0.5)
    for holds, text in (
        (whole < 1, "Less than a second"),
        (whole == 1, "1 second"),
        (whole < 60, f"{whole} seconds"),
        (minutes == 1, "About a minute"),
        (minutes < 60, f"{minutes} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 7 * 2, f"{hours // 24} days"),
        (hours < 24 * 30 * 2, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 365 * 2, f"{hours // 24 // 30} months"),
    ):
        if holds:
            return text
    return f"{int(seconds / 3600) // 24 // 365} years"


def describe(state: State) -> str:
    """The Status column of `ps` (moby State.String)."""
    match state.status:
        case Status.RUNNING:
            health = f" ({_describe_health(state.health)})" if state.health else ""
            return f"Up {_since(state.started_at)}{health}"
        case Status.PAUSED:
            return f"Up {_since(state.started_at)} (Paused)"
        case Status.RESTARTING:
            return f"Restarting ({state.exit_code}) {_since(state.finished_at)} ago"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
        case Status.CREATED:
            return "Created"
        case Status.EXITED:
            if state.finished_at == times.ZERO_TIME:
                return ""
            return f"Exited ({state.exit_code}) {_since(state.finished_at)} ago"


def _describe_health(health: Health) -> str:
    return "health: starting" if health.status == "starting" else health.status


def _since(moment: str) -> str:
    return human_duration((time.time_ns() - times.parse_ns(moment)) / 1e9)
