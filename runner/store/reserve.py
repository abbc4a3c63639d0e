"""Room kept for the removal of containers: on a full disk nothing could be removed otherwise."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_SIZE: Final = 256 * 1024


class Reserve:
    """A file that takes up some room until it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._filled = False

    def fill(self) -> None:
        """Take the room, if it has not been taken and can be had."""
        if self._filled:
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _SIZE)
                self._filled = True
            finally:
                os.close(descriptor)

    def spend(self) -> None:
        """Give the room to whoever needs it now."""
        self._filled = False
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)
