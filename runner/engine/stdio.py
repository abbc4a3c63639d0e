"""The container's standard streams: FIFOs to the shim on one side, clients and log on the other.

Source: moby container/stream, daemon/internal/libcontainerd (newFIFOSet), containerd/fifo.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.logs import READ_SIZE, Failures, LineSplitter
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.logs import Batch, LogDriver

log = logging.getLogger(__name__)

STDOUT = 1
STDERR = 2

_HIGH_WATER = 1024 * 1024
"""Bytes that a client or the log may lag behind before the container waits (moby BytesPipe)."""

_LOG_TIMEOUT = 10.0
"""Seconds for the log to be written when the run is over (moby loggerCloseTimeout)."""


@dataclass(frozen=True, slots=True)
class FifoSet:
    """Paths of one process's FIFOs; empty where it has no such stream."""

    stdin: str
    stdout: str
    stderr: str

    @classmethod
    def named(cls, directory: Path, process: str, *, stdin: bool, tty: bool) -> FifoSet:
        """The paths of `process`'s FIFOs; a terminal has no stderr of its own."""
        return cls(
            stdin=str(directory / f"{process}-stdin") if stdin else "",
            stdout=str(directory / f"{process}-stdout"),
            stderr="" if tty else str(directory / f"{process}-stderr"),
        )

    def make(self) -> None:
        """Make those that are not there."""
        for path in self.paths():
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)

    def paths(self) -> Iterator[str]:
        """Those that exist."""
        return (path for path in (self.stdin, self.stdout, self.stderr) if path)


class _FifoReader:
    """Reads a FIFO until its last writer has closed it.

    Opened non-blocking before the writer is there: epoll reports nothing until a writer has come,
    so an end of file that it reports is a real one.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._written_to = False

    async def read(self) -> bytes:
        """What has been written, b"" at the end."""
        if not self._written_to:
            await self._readable()
            self._written_to = True
        while True:
            try:
                return os.read(self._fd, READ_SIZE)
            except BlockingIOError:
                await self._readable()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self._fd, _resolve, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._fd)

    def close(self) -> None:
        os.close(self._fd)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Subscription:
    """What one client, or the log, gets of the output: chunks, then the end."""

    def __init__(self, streams: Streams, wanted: frozenset[int]) -> None:
        self._streams = streams
        self._wanted = wanted
        self._chunks: deque[tuple[int, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self.size = 0

    def feed(self, stream: int, data: bytes) -> None:
        """Called by the streams; never waits."""
        if stream in self._wanted:
            self._chunks.append((stream, data))
            self.size += len(data)
            self._arrived.set()

    def end(self) -> None:
        """No more output will come."""
        self._ended = True
        self._arrived.set()

    async def read(self) -> tuple[int, bytes] | None:
        """The next chunk with its stream (1 or 2), or None at the end."""
        while not self._chunks:
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        stream, data = self._chunks.popleft()
        self.size -= len(data)
        self._streams.relieve()
        return stream, data


class Stdin:
    """The way into the container's standard input; open once the task exists."""

    def __init__(self) -> None:
        self._fd = -1
        self._opened = asyncio.Event()
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Future[None] | None = None
        self.closed = False

    def open(self, path: str) -> None:
        """Take the write end: the shim already reads (it opened its end in Tasks.Create).

        Where nobody reads the input has ended, which an engine that was started anew finds.
        """
        self._opened.set()
        if self.closed:
            return
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as err:
            if err.errno != errno.ENXIO:
                raise
            self.closed = True

    async def write(self, data: bytes) -> None:
        """Write all. Raises BrokenPipeError once nobody reads any more."""
        await self._opened.wait()
        async with self._lock:
            view = memoryview(data)
            while view:
                if self._fd < 0:
                    raise BrokenPipeError(errno.EPIPE, "the container's stdin is closed")
                try:
                    view = view[os.write(self._fd, view) :]
                except BlockingIOError:
                    await self._writable()

    async def _writable(self) -> None:
        """Wait until the pipe takes more, its reader has gone, or our end has been closed."""
        loop = asyncio.get_running_loop()
        ready = self._waiting = loop.create_future()
        loop.add_writer(self._fd, _resolve, ready)
        try:
            await ready
        finally:
            if self._fd >= 0:
                loop.remove_writer(self._fd)

    def close(self) -> None:
        """End of input for the container. Safe to call twice, and before the task exists."""
        self.closed = True
        self._opened.set()
        if self._fd >= 0:
            asyncio.get_running_loop().remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self._waiting is not None:
            _resolve(self._waiting)


class Streams:
    """The streams of one run, from before its start (clients attach first) to its end."""

    def __init__(self) -> None:
        self.stdin = Stdin()
        self._subscriptions: set[Subscription] = set()
        self._copiers: set[asyncio.Task[None]] = set()
        self._log_copies: set[asyncio.Task[None]] = set()
        self._relieved = asyncio.Event()

    def subscribe(self, *, stdout: bool, stderr: bool) -> Subscription:
        """What the container writes to these from now on, and the end of the run."""
        wanted = {STDOUT} if stdout else set()
        wanted |= {STDERR} if stderr else set()
        subscription = Subscription(self, frozenset(wanted))
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """The client has gone. Idempotent."""
        self._subscriptions.discard(subscription)
        self.relieve()

    def open_outputs(
        self, fifos: FifoSet, driver: LogDriver | None, container_id: str = ""
    ) -> None:
        """Open the readers, and copy from now on.

        To be done before Tasks.Create, which hangs while nobody reads.
        """
        failures = Failures(container_id)
        for path, stream in ((fifos.stdout, STDOUT), (fifos.stderr, STDERR)):
            if path:
                reader = _FifoReader(path)
                output = Subscription(self, frozenset({stream}))
                self._copiers.add(asyncio.create_task(self._copy(reader, stream, output)))
                if driver is not None:
                    self._subscriptions.add(output)
                    log_copy = _LogCopy(driver, stream, failures)
                    self._log_copies.add(asyncio.create_task(log_copy.run(output)))

    async def _copy(self, reader: _FifoReader, stream: int, to_log: Subscription) -> None:
        """To all that want it; the container waits while one of them is far behind.

        The log is one of them. It ends with the stream, clients with the run.
        """
        try:
            while data := await reader.read():
                for subscription in self._subscriptions:
                    subscription.feed(stream, data)
                while self._is_behind():
                    self._relieved.clear()
                    await self._relieved.wait()
        finally:
            reader.close()
            to_log.end()

    def _is_behind(self) -> bool:
        return any(item.size > _HIGH_WATER for item in self._subscriptions)

    def relieve(self) -> None:
        """A client has read, or gone: perhaps the container need not wait any longer."""
        self._relieved.set()

    async def drained(self, timeout: float) -> bool:
        """Wait for the end of the output, at most `timeout` seconds; whether it has come."""
        if not self._copiers:
            return True
        _, late = await asyncio.wait(self._copiers, timeout=timeout)
        return not late

    async def end(self) -> None:
        """The run is over: stop copying, close stdin, tell the clients, let the log be written.

        A log that does not come to an end is given up. Safe to call twice.
        """
        self.stdin.close()
        await _cancelled(self._copiers)
        for subscription in self._subscriptions:
            subscription.end()
        if self._log_copies:
            _, late = await asyncio.wait(self._log_copies, timeout=_LOG_TIMEOUT)
            if late:
                log.warning("logger didn't exit in time: logs may be truncated")
            await _cancelled(self._log_copies)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


class _LogCopy:
    """One stream on its way to the log. A log that fails does not stop the container."""

    def __init__(self, driver: LogDriver, stream: int, failures: Failures) -> None:
        self._driver = driver
        self._splitter = LineSplitter("stderr" if stream == STDERR else "stdout")
        self._failures = failures

    async def run(self, output: Subscription) -> None:
        """Copy until the stream has ended."""
        while (chunk := await output.read()) is not None:
            await self._write(self._splitter.feed(chunk[1]))
        await self._write(self._splitter.flush())

    async def _write(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            try:
                await self._driver.write(batch)
                self._failures.worked()
            except (RunnerError, OSError) as err:
                self._failures.failed(err)
