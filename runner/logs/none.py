"""The driver that keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.logs.unreadable import UnreadableDriver

if TYPE_CHECKING:
    from runner.logs.message import Batch


class NoneDriver(UnreadableDriver):
    """Discards what it gets."""

    async def write(self, batch: Batch) -> None:
        """Forget the records."""

    async def close(self) -> None:
        """Nothing to close."""
