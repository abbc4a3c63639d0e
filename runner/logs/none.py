"""The driver that keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import NotImplementedYet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig


class NoneDriver:
    """Discards what it gets and can give nothing back."""

    async def write(self, batch: Batch) -> None:
        """Forget the records."""

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """Refuse (moby logger.ErrReadLogsNotSupported)."""
        raise NotImplementedYet("configured logging driver does not support reading")

    async def close(self) -> None:
        """Nothing to close."""
