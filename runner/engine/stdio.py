"""The container's standard streams: FIFOs to the shim on one side, clients and log on the other.

Source: moby container/stream, libcontainerd (newFIFOSet), containerd/fifo.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections import deque
from typing import TYPE_CHECKING

from runner.engine.fifo import FifoReader, FifoSet
from runner.linux.ready import resolve
from runner.logs import Failures, LineSplitter
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.logs import Batch, LogDriver

log = logging.getLogger(__name__)

STDOUT = 1
STDERR = 2

_HIGH_WATER = 1024 * 1024
"""Bytes that a client may lag behind before the container has to wait (moby BytesPipe)."""

_LOG_TIMEOUT = 10.0
"""Seconds for the log to be written when the run is over (moby loggerCloseTimeout)."""


class Subscription:
    """What one client gets of the output: chunks, then the end."""

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
        loop.add_writer(self._fd, resolve, ready)
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
            resolve(self._waiting)


class Streams:
    """The streams of one run, from before its start (clients attach first) to its end."""

    def __init__(self) -> None:
        self.stdin = Stdin()
        self._subscriptions: set[Subscription] = set()
        self._outputs: list[_Output] = []
        self._relieved = asyncio.Event()

    def subscribe(self, *, stdout: bool, stderr: bool) -> Subscription:
        """What the container writes to these from now on, and the end of the run."""
        wanted = {STDOUT} if stdout else set()
        wanted |= {STDERR} if stderr else set()
        subscription = Subscription(self, frozenset(wanted))
        self._subscriptions.add(subscription)
        self.relieve()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """The client has gone. Idempotent."""
        self._subscriptions.discard(subscription)
        self.relieve()

    def open_outputs(
        self, fifos: FifoSet, driver: LogDriver | None, container_id: str = ""
    ) -> list[int]:
        """Open the readers, and copy from now on; their descriptors.

        To be done before Tasks.Create, which hangs while nobody reads.
        """
        failures = Failures(container_id)
        for path, stream in ((fifos.stdout, STDOUT), (fifos.stderr, STDERR)):
            if path:
                self._outputs.append(_Output(self, FifoReader(path), stream, driver, failures))
        return [output.reader.fileno() for output in self._outputs]

    def feed(self, stream: int, data: bytes) -> None:
        """Give it to all clients that want it."""
        for subscription in self._subscriptions:
            subscription.feed(stream, data)

    async def until_wanted(self, log_copy: _LogCopy | None) -> None:
        """Wait while a client is far behind, or while nobody but the log wants more, and the log
        has not done with what it got: it lies as well in the FIFO meanwhile."""
        while not self._is_wanted(log_copy):
            self._relieved.clear()
            await self._relieved.wait()

    def _is_wanted(self, log_copy: _LogCopy | None) -> bool:
        if not self._subscriptions:
            return log_copy is None or not log_copy.busy
        return all(item.size <= _HIGH_WATER for item in self._subscriptions)

    def relieve(self) -> None:
        """A client or the log has read, or a client has come or gone."""
        self._relieved.set()

    async def drained(self, timeout: float) -> bool:
        """Wait for the end of the output, at most `timeout` seconds; whether it has come."""
        if not self._outputs:
            return True
        _, late = await asyncio.wait({output.copier for output in self._outputs}, timeout=timeout)
        return not late

    async def end(self, *, over: bool = True) -> None:
        """Stop copying, close stdin, tell the clients, let the log be written.

        `over` says that the run is: else a line that is not complete yet is left to the next
        engine. A log that does not come to an end is given up. Safe to call twice.
        """
        self.stdin.close()
        outputs, self._outputs = self._outputs, []
        await asyncio.gather(*(output.stop(over=over) for output in outputs))
        for subscription in self._subscriptions:
            subscription.end()
        logs = {output.logging for output in outputs if output.logging is not None}
        if logs:
            _, late = await asyncio.wait(logs, timeout=_LOG_TIMEOUT)
            if late:
                log.warning("logger didn't exit in time: logs may be truncated")
        for output in outputs:
            await output.close()


class _Output:
    """One output of a run: from its FIFO to the clients and, independently, to the log."""

    def __init__(
        self,
        streams: Streams,
        reader: FifoReader,
        stream: int,
        driver: LogDriver | None,
        failures: Failures,
    ) -> None:
        self.reader = reader
        self.stream = stream
        self._streams = streams
        self._log = _LogCopy(self, driver, failures) if driver else None
        self.copier = asyncio.create_task(self._copy())
        self.logging = asyncio.create_task(self._log.run()) if self._log else None

    async def _copy(self) -> None:
        while data := await self.reader.fetch():
            self._feed(data)
            await self._streams.until_wanted(self._log)
        if self._log is not None:
            self._log.end()

    def _feed(self, data: bytes) -> None:
        if self._log is None:
            self.reader.drop(len(data))
        else:
            self._log.feed(data)
        self._streams.feed(self.stream, data)

    def logged(self, size: int) -> None:
        """So many bytes are in the log."""
        self.reader.drop(size)
        self._streams.relieve()

    async def stop(self, *, over: bool) -> None:
        """Read no more; the log gets what has been read.

        When the run is over that is all that lies in the FIFO: its end may not have come because
        the log is slow, or because a process that outlives the run has the other end open.
        """
        await _cancelled(self.copier)
        if over and (rest := self.reader.rest()):
            self._feed(rest)
        if self._log is not None:
            self._log.end(over=over)

    async def close(self) -> None:
        """Give the log up, should it not be written yet, and close the FIFO."""
        if self.logging is not None:
            await _cancelled(self.logging)
        self.reader.close()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _LogCopy:
    """One stream on its way to the log. A log that fails does not stop the container.

    What is in the log is dropped from the FIFO, and not before.
    """

    def __init__(self, output: _Output, driver: LogDriver, failures: Failures) -> None:
        self._output = output
        self._driver = driver
        self._splitter = LineSplitter("stderr" if output.stream == STDERR else "stdout")
        self._failures = failures
        self._waiting: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._over = True
        self.busy = False
        """Whether there is something yet to be logged."""

    def feed(self, data: bytes) -> None:
        """To be logged next."""
        self.busy = True
        self._waiting.append(data)
        self._arrived.set()

    def end(self, *, over: bool = True) -> None:
        """That was all; a last line without its end is logged too if the run is over."""
        self._ended = True
        self._over = over
        self._arrived.set()

    async def run(self) -> None:
        """Log until told to end."""
        while (data := await self._next()) is not None:
            held_back = self._splitter.pending
            await self._write(self._splitter.feed(data))
            self.busy = bool(self._waiting)
            self._output.logged(held_back + len(data) - self._splitter.pending)
        if self._over:
            held_back = self._splitter.pending
            await self._write(self._splitter.flush())
            self._output.logged(held_back)

    async def _next(self) -> bytes | None:
        while not self._waiting:
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def _write(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            try:
                await self._driver.write(batch)
                self._failures.worked()
            except (RunnerError, OSError) as err:
                self._failures.failed(err)
