"""What drivers have in common that can give nothing back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import NotImplementedYet

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.logs.message import Message
    from runner.logs.reader import ReadConfig


class UnreadableDriver:
    """Refuses to read (moby logger.ErrReadLogsNotSupported)."""

    readable = False

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """Raises NotImplementedYet."""
        raise NotImplementedYet("configured logging driver does not support reading")
