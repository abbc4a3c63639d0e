"""What one follower has yet to read, kept open for it across rotations.

A container that writes faster than a client reads can rotate several files away meanwhile. dockerd
skips them; here a file stays open for those who follow until they have read it, within limits: a
client that does not read at all must not fill the disk.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILES: Final = 256
MAX_BYTES: Final = 64 * 1024 * 1024
"""How much a follower may be behind; what is older is skipped."""


class Segment:
    """A file from where the follower is to its end; the present file has no `end` yet."""

    def __init__(self, fd: int, start: int) -> None:
        self.file: BinaryIO = open(os.dup(fd), "rb", buffering=0)  # noqa: SIM115 - see close
        self.start = start
        self.end: int | None = None

    @property
    def unread(self) -> int:
        """Bytes left of a file that is written no more."""
        return 0 if self.end is None else self.end - self.start

    def close(self) -> None:
        """Let the file go. Idempotent."""
        self.file.close()


class Follower:
    """The files that one reader still has before it, oldest first.

    `missed` counts the files that it was too slow for.
    """

    def __init__(self, fd: int, start: int) -> None:
        self._segments = deque([Segment(fd, start)])
        self._failure: OSError | None = None
        self.missed = 0

    def rotated(self, size: int, fd: int) -> None:
        """The present file has ended at `size`; `fd` is the new one. Never raises."""
        if self._failure is not None:
            return
        self._segments[-1].end = size
        try:
            self._segments.append(Segment(fd, 0))
        except OSError as err:
            self._failure = err
        self._shed()

    def segments(self) -> Iterator[Segment]:
        """One file after the other, each until its `start` has been moved to its `end`.

        The present one comes last, and once. Raises RunnerError when a file could not be kept.
        """
        while self._segments:
            segment = self._segments[0]
            yield segment
            if segment.end is None:
                return
            if segment.start >= segment.end:
                self._segments.popleft().close()
        raise RunnerError(f"error following the log across a rotation: {self._failure}")

    def close(self) -> None:
        """Let go of everything."""
        while self._segments:
            self._segments.popleft().close()

    def _shed(self) -> None:
        """Skip the oldest files, but for the one that is being read."""
        waiting = sum(segment.unread for segment in self._segments)
        while len(self._segments) > MAX_FILES or (waiting > MAX_BYTES and len(self._segments) > 2):
            waiting -= self._segments[1].unread
            self._segments[1].close()
            del self._segments[1]
            self.missed += 1
