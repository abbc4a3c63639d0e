"""The helper's end of the connection that data flow through. Everything blocks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from runner.tar.header import EXTENSION_MAX

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

CHUNK: Final = 1 << 18
"""Bytes that are sent at a time; a socket takes about as much."""

_CAPACITY: Final = EXTENSION_MAX
_BY_KERNEL_FROM: Final = 1 << 16
"""Bytes of a file from which on it pays to let the kernel copy it."""


class Outgoing:
    """Collects what is to be sent. Raises BrokenPipeError when nobody wants it any more."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._collected = bytearray()

    def write(self, data: bytes) -> None:
        """Send the data, now or soon."""
        self._collected += data
        if len(self._collected) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Send what is left."""
        self._connection.sendall(self._collected)
        self._collected.clear()

    def write_file(self, descriptor: int, size: int) -> int:
        """Send a file from its beginning; how many bytes of `size` it had."""
        if size < _BY_KERNEL_FROM:
            data = os.read(descriptor, size)
            self.write(data)
            return len(data)
        self.flush()
        sent = 0
        while sent < size:
            count = os.sendfile(self._connection.fileno(), descriptor, None, size - sent)
            if not count:
                break
            sent += count
        return sent


class Incoming:
    """What arrives, read ahead (a tar.Source). `read_into` fills a buffer as far as it can."""

    def __init__(self, read_into: Callable[[memoryview], int]) -> None:
        self._read_into = read_into
        self._view = memoryview(bytearray(_CAPACITY))
        self._start = self._end = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end only; they stay the next ones."""
        if self._end - self._start < size:
            self._fill(size)
        return bytes(self._view[self._start : min(self._start + size, self._end)])

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end only."""
        taken = self.peek(size)
        self._start += len(taken)
        return taken

    def read(self, size: int) -> bytes:
        """Some of the next bytes, as a file's `read` for what decompresses them."""
        if self._end == self._start:
            self._refill()
        return self.take(min(size, self._end - self._start))

    def copy(self, size: int, descriptor: int) -> int:
        """Write the next bytes to a file; how many there were."""
        left = size
        while left and (self._end > self._start or self._refill()):
            end = min(self._start + left, self._end)
            written = os.write(descriptor, self._view[self._start : end])
            self._start += written
            left -= written
        return size - left

    def skip(self, size: int) -> int:
        """Let go of the next bytes; how many there were."""
        left = size
        while left and (self._end > self._start or self._refill()):
            count = min(left, self._end - self._start)
            self._start += count
            left -= count
        return size - left

    def _refill(self) -> int:
        self._start = 0
        self._end = self._read_into(self._view)
        return self._end

    def _fill(self, size: int) -> None:
        """Have `size` bytes in the buffer, or all that still come."""
        kept = self._end - self._start
        self._view[:kept] = self._view[self._start : self._end]
        self._start, self._end = 0, kept
        while self._end < size:
            count = self._read_into(self._view[self._end :])
            if not count:
                break
            self._end += count
