"""mode=non-blocking: a buffer that would rather lose output than hold the container back.

Source: moby daemon/logger/ring.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING

from runner.logs.message import Batch
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from runner.logs.driver import LogDriver
    from runner.logs.message import Message
    from runner.logs.reader import ReadConfig

log = logging.getLogger(__name__)


class RingDriver:
    """Keeps up to `max_bytes` of lines for a slower driver; lines that do not fit are dropped.

    A line that finds the buffer empty is always taken.
    """

    def __init__(self, driver: LogDriver, max_bytes: int) -> None:
        self._driver = driver
        self._max_bytes = max_bytes
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
        """Hand on what is still queued, then close the driver."""
        self._closing = True
        self._filled.set()
        await self._copying
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
                with _reported():
                    await self._driver.write(batch)
            if self._closing:
                return
            self._filled.clear()
            await self._filled.wait()


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except RunnerError as err:
        log.error("failed to log message: %s", err)
