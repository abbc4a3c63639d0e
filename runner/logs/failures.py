"""Telling that a log fails, without a line in the engine's log for every line that is lost."""

from __future__ import annotations

import logging
import time
from typing import Final

log = logging.getLogger(__name__)

_QUIET: Final = 60.0
"""Seconds for which a log that fails and works by turns is not told of again."""


class Failures:
    """One container's log: whether it fails, and whether that has been said."""

    def __init__(self, container_id: str) -> None:
        self._container_id = container_id
        self._failing = False
        self._told = -_QUIET

    def failed(self, error: Exception) -> None:
        """Messages are lost. Told when it is news."""
        news, self._failing = not self._failing, True
        now = time.monotonic()
        if news and now - self._told >= _QUIET:
            self._told = now
            log.error(
                "failed to log messages, they are lost until it works again: %s",
                error,
                extra={"container": self._container_id},
            )

    def worked(self) -> None:
        """Messages get through."""
        self._failing = False
