"""A log file that rotates and tells its readers where its end is (moby loggerutils/logfile.go).

All state changes happen on the event loop. Only bytes move in threads, so a reader that opens the
file and takes `position` in one go, without awaiting between, has two things that belong together.

What a crash or a full disk leaves of a record is undone before the next one is written, and only by
who writes: a reader of a log that somebody else writes changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runner.logs.compress import compress_file
from runner.logs.follower import Follower
from runner.logs.worker import in_worker
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.logs.codec import Codec
    from runner.logs.message import Batch

log = logging.getLogger(__name__)

_DIRECT_WRITE: Final = 4096
"""Up to so many bytes a write is done on the loop: a thread's hop would cost more than it."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the writer is: bytes in the present file, and how often files were rotated away."""

    size: int
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class Rotation:
    """When to start a new file and what becomes of old ones; `max_size` None is never."""

    max_size: int | None = None
    max_files: int = 1
    compress: bool = False


class LogFile:
    """An append-only file of records, mode 0640.

    Raises OSError when it cannot be opened.
    """

    def __init__(self, path: Path, rotation: Rotation, codec: Codec) -> None:
        self.path = path
        self.rotation = rotation
        self.codec = codec
        self.closed = False
        self._fd = _open(path)
        self.position = Position(os.fstat(self._fd).st_size)
        self._mended = False
        self._followers: set[Follower] = set()
        self._lock = asyncio.Lock()  # one writer at a time: stdout's or stderr's
        self._compressing: asyncio.Task[None] | None = None
        self._last_time_ns = 0
        self._waiters: list[asyncio.Future[None]] = []

    def numbered(self, number: int, suffix: str = "") -> Path:
        """The path of an old file; 1 is the newest."""
        return self.path.with_name(f"{self.path.name}.{number}{suffix}")

    async def write(self, batch: Batch) -> None:
        """Append the batch's records, rotating where one fills a file.

        A file is left when it has reached its size, so it overshoots by at most one record.
        Raises RunnerError when the file is closed or the disk refuses.
        """
        records = self.codec.encode(batch)
        async with self._lock:
            self._ensure_open()
            try:
                self._mend()
                while records:
                    await self._rotate_when_full()
                    room = self._room(records)
                    await self._append(records[:room])
                    self._last_time_ns = batch.timestamp_ns
                    records = records[room:]
            except OSError as err:
                raise RunnerError(f"error writing log entry: {err}") from err

    async def close(self) -> None:
        """Tell the readers that this was all; waits for a compression under way. Idempotent."""
        async with self._lock:
            if not self.closed:
                self.closed = True
                os.close(self._fd)
                self._notify()
            if self._compressing is not None:
                await self._compressing

    async def moved(self, seen: Position) -> bool:
        """Wait until the writer is elsewhere than `seen`; False when it never will be."""
        while self.position == seen:
            if self.closed:
                return False
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter.cancelled():
                    self._waiters.remove(waiter)
        return True

    @contextlib.contextmanager
    def followed(self) -> Iterator[Follower]:
        """What is written from now on, kept across rotations for whoever reads it."""
        follower = Follower(self._fd, self.position.size)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            follower.close()

    def _ensure_open(self) -> None:
        if self.closed:
            raise RunnerError("cannot write because the output file was closed")

    def _mend(self) -> None:
        if not self._mended:
            self.codec.mend(self._fd)
            self._measure()
            self._mended = True

    def _measure(self) -> None:
        self.position = replace(self.position, size=os.fstat(self._fd).st_size)

    def _room(self, records: bytes) -> int:
        """How many bytes of `records` belong in the present file: up to the one that fills it."""
        if self.rotation.max_size is None:
            return len(records)
        room = self.rotation.max_size - self.position.size
        return len(records) if room > len(records) else self.codec.fill(records, room)

    async def _append(self, records: bytes) -> None:
        try:
            if len(records) <= _DIRECT_WRITE:
                _write_all(self._fd, records)
            else:
                await in_worker(_write_all, self._fd, records)
        except OSError:
            self._mended = False
            with contextlib.suppress(OSError):  # then it is done before the next record
                self._mend()
            raise
        finally:  # what has reached the file counts, also when cancelled or the disk is full
            self._measure()
            self._notify()

    def _notify(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _rotate_when_full(self) -> None:
        limit = self.rotation.max_size
        if limit is None or self.position.size < limit:
            return
        if self._compressing is not None:
            await self._compressing
        with _reported("rotating"):
            self._move_files()
        full, self._fd = self._fd, _open(self.path, os.O_TRUNC)
        for follower in self._followers:
            follower.rotated(self.position.size, self._fd)
        os.close(full)  # not before: without a new file the records go on into this one
        self.position = Position(0, self.position.rotation + 1)
        if self.rotation.compress and self.rotation.max_files > 1:
            self._compressing = asyncio.create_task(self._compress(self._last_time_ns))

    def _move_files(self) -> None:
        """Shift each old file's number by one; the oldest goes."""
        if self.rotation.max_files < 2:
            self.path.unlink()
            return
        suffix = ".gz" if self.rotation.compress else ""
        for number in range(self.rotation.max_files - 1, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                self.numbered(number - 1, suffix).rename(self.numbered(number, suffix))
        self.path.rename(self.numbered(1))

    async def _compress(self, last_time_ns: int) -> None:
        with _reported("compressing"):
            await in_worker(compress_file, self.numbered(1), last_time_ns)


def _open(path: Path, flag: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | flag, 0o640)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextlib.contextmanager
def _reported(doing: str) -> Iterator[None]:
    """Log a failure to tidy up old files and go on: the container's output matters more."""
    try:
        yield
    except OSError as err:
        log.warning("error %s log file, log data may have been lost: %s", doing, err)
