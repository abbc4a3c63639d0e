"""What the engine needs of a log driver (moby daemon/logger/logger.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig


class LogDriver(Protocol):
    """Takes a container's output and, if it is `readable`, gives it back."""

    @property
    def readable(self) -> bool:
        """Whether there is anything to read."""

    async def write(self, batch: Batch) -> None:
        """Store the records. Waiting here holds the container's output back, as it should.

        stdout's and stderr's copiers may call it at the same time. Raises RunnerError.
        """

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The stored records in order, some at a time, from what is there at the first step.

        With `follow` it goes on until the driver is closed. Use it with `contextlib.aclosing`.
        Raises NotImplementedYet at once when the driver is not readable.
        """

    async def close(self) -> None:
        """No more will be written; followers end when they have read all. Idempotent."""
