"""Cuts a container's output into records, as dockerd's copier does (moby daemon/logger/copier.go).

Sans I/O: whoever reads the container's FIFO feeds what it got and writes the batches to a driver.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

from runner.logs.message import Batch, Partial

if TYPE_CHECKING:
    from runner.logs.message import Stream

RECORD_SIZE: Final = 16 * 1024
"""The most bytes of a record, its newline included: moby's defaultBufSize."""

READ_SIZE: Final = 64 * 1024
"""How much to read at once; the pipe holds no more. The records do not depend on it."""


class LineSplitter:
    """Makes records of one stream's bytes, however they are cut up on the way.

    A line whose newline is not among its first 16 KiB is split into partial records of 16 KiB,
    all with the first part's timestamp.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""
        self._next_part: Partial | None = None
        self._first_part_ns = 0

    def feed(self, data: bytes, now_ns: int | None = None) -> list[Batch]:
        """The records that `data` completes. `now_ns` is their time, by default the present."""
        now_ns = time.time_ns() if now_ns is None else now_ns
        buffer = self._rest + data if self._rest else data
        batches: list[Batch] = []
        whole = position = 0  # buffer[whole:position] are complete lines not yet in a batch
        while True:
            # All lines up to the last newline in this window are short enough for a record.
            newline = buffer.rfind(b"\n", position, position + RECORD_SIZE)
            if newline >= 0 and self._next_part is None:
                position = newline + 1
                continue
            if newline >= 0:
                end = buffer.find(b"\n", position) + 1
            elif len(buffer) - position >= RECORD_SIZE:
                self._append_lines(batches, buffer[whole:position], now_ns)
                end = position + RECORD_SIZE
            else:
                break
            batches.append(self._part(buffer[position:end], now_ns, last=newline >= 0))
            whole = position = end
        self._append_lines(batches, buffer[whole:position], now_ns)
        self._rest = buffer[position:]
        return batches

    @property
    def pending(self) -> int:
        """Bytes of a line that is not complete yet, and in no record."""
        return len(self._rest)

    def flush(self, now_ns: int | None = None) -> list[Batch]:
        """What is left when the stream has ended: a line without newline, stored as it is."""
        rest, self._rest = self._rest, b""
        if not rest:
            return []
        return [self._part(rest, time.time_ns() if now_ns is None else now_ns, last=False)]

    def _append_lines(self, batches: list[Batch], lines: bytes, now_ns: int) -> None:
        if lines:
            batches.append(Batch(lines, self._stream, now_ns))

    def _part(self, data: bytes, now_ns: int, *, last: bool) -> Batch:
        part = self._next_part
        if part is None:
            part = Partial(secrets.token_hex(32), 1, last)
            self._first_part_ns = now_ns
        else:
            part = Partial(part.id, part.ordinal, last)
        self._next_part = None if last else Partial(part.id, part.ordinal + 1, last=False)
        return Batch(data, self._stream, self._first_part_ns, part)
