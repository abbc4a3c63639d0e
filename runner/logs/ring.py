"""mode=non-blocking: a buffer that would rather lose output than hold the container back.

Source: moby daemon/logger/ring.go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from runner.logs.message import Batch
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.logs.driver import LogDriver
    from runner.logs.failures import Failures
    from runner.logs.message import Message
    from runner.logs.reader import ReadConfig

_CLOSE_TIMEOUT: Final = 10.0
"""Seconds for the driver to take what is queued at the end; dockerd waits for ever."""


class RingDriver:
    """Keeps up to `max_bytes` of lines for a slower driver; lines that do not fit are dropped.

    A line that finds the buffer empty is always taken.
    """

    def __init__(self, driver: LogDriver, max_bytes: int, failures: Failures) -> None:
        self.readable = driver.readable
        self._driver = driver
        self._max_bytes = max_bytes
        self._failures = failures
        self._size = 0
        self._queue: deque[Batch] = deque()
        self._filled = asyncio.Event()
        self._closing = False
        self._copying = asyncio.create_task(self._copy())

    async def write(self, batch: Batch) -> None:
        """Queue what fits. Never waits. Raises RunnerError when closed."""
        if self._closing:
            raise RunnerError("closed")
        if self._size + len(batch.data) <= self._max_bytes:
            self._enqueue(batch)
            return
        for message in batch.messages():
            if not self._queue or self._size + len(message.line) <= self._max_bytes:
                self._enqueue(Batch(message.line, batch.stream, batch.timestamp_ns, batch.partial))

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """What the driver beneath has stored."""
        return self._driver.read(config)

    async def close(self) -> None:
        """Hand on what is still queued, unless the driver fails or hangs, and close the driver."""
        self._closing = True
        self._filled.set()
        _, late = await asyncio.wait({self._copying}, timeout=_CLOSE_TIMEOUT)
        if late:
            self._copying.cancel()
            await asyncio.wait(late)
        await self._driver.close()

    def _enqueue(self, batch: Batch) -> None:
        self._queue.append(batch)
        self._size += len(batch.data)
        self._filled.set()

    async def _copy(self) -> None:
        while True:
            while self._queue:
                batch = self._queue.popleft()
                self._size -= len(batch.data)
                try:
                    await self._driver.write(batch)
                    self._failures.worked()
                except RunnerError as err:
                    self._failures.failed(err)
                    if self._closing:
                        return  # the rest would fare no better, and the container's end waits
            if self._closing:
                return
            self._filled.clear()
            await self._filled.wait()
