"""dockerd's file format for its local driver (moby daemon/logger/local).

    length | LogEntry | length      the lengths in 4 bytes, big endian

The length at the end lets the file be read backwards.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.logs.logentry import EntryDecoder, encode_head, encode_line_head, encode_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.logs.message import Batch, Message

_LENGTH: Final = struct.Struct(">I")
_FRAME: Final = 2 * _LENGTH.size
_LONGEST: Final = 1_000_000
"""Bytes of an entry beyond which there is none (moby maxMsgLen)."""

_BLOCK: Final = 128 * 1024


class LogEntries:
    """The format as a codec."""

    def encode(self, batch: Batch) -> bytes:
        """See Codec."""
        if batch.partial is not None:
            return _framed(encode_part(batch, batch.partial))
        return _frame_lines(encode_head(batch), batch.data)

    def fill(self, records: bytes, room: int) -> int:
        """See Codec."""
        return next((end for _, end in _frames(records) if end >= room), len(records))

    def decode(self, data: bytes, *, last: bool) -> tuple[list[Message], int]:
        """See Codec. What a crash has torn off at the end is left out."""
        messages: list[Message] = []
        position = 0
        decoder = EntryDecoder()
        try:
            for start, end in _frames(data):
                messages.append(decoder.decode(data[start + _LENGTH.size : end - _LENGTH.size]))
                position = end
        except ValueError:
            if not messages:
                raise
        return messages, position

    def tail(self, file: BinaryIO, end: int, count: int) -> tuple[int, int]:
        """See Codec. From one footer to the one before it."""
        found = 0
        lengths = _Lengths(file.fileno())
        while end >= _FRAME and found < count:
            start = end - _FRAME - lengths.at(end - _LENGTH.size)
            if start < 0 or lengths.at(start) != end - start - _FRAME:
                raise ValueError("log message header and footer indicate different message sizes")
            end = start
            found += 1
        return end, found

    def mend(self, fd: int) -> None:
        """See Codec. The torn entry goes: nothing after it could be read."""
        size = os.fstat(fd).st_size
        if not _ends_whole(fd, size):
            os.ftruncate(fd, _whole_size(fd, size))


def _frame_lines(head: bytes, data: bytes) -> bytes:
    """An entry for each line, all of which start alike."""
    frames: dict[int, tuple[bytes, bytes]] = {}
    parts: list[bytes] = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        size = len(line)
        if size not in frames:
            start = head + encode_line_head(size)
            length = _LENGTH.pack(len(start) + size)
            frames[size] = (length + start, length)
        before, after = frames[size]
        parts += (before, line, after)
    return b"".join(parts)


def _framed(entry: bytes) -> bytes:
    length = _LENGTH.pack(len(entry))
    return length + entry + length


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each whole entry starts and ends. Raises ValueError for one that none can be."""
    start = 0
    while start + _FRAME <= len(data):
        length = _length_in(data, start)
        if length > _LONGEST:
            raise ValueError(f"log message is too large ({length} > {_LONGEST})")
        end = start + _FRAME + length
        if end > len(data):
            return
        yield start, end
        start = end


class _Lengths:
    """The lengths that stand in a file, for one who goes through it backwards."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._start = 0
        self._block = b""

    def at(self, position: int) -> int:
        """The length at `position`. Raises ValueError when the file is shorter."""
        if not self._start <= position <= self._start + len(self._block) - _LENGTH.size:
            self._start = max(position + _LENGTH.size - _BLOCK, 0)
            self._block = os.pread(self._fd, position + _LENGTH.size - self._start, self._start)
        return _length_in(self._block, position - self._start)


def _length_in(data: bytes, position: int) -> int:
    try:
        return int(_LENGTH.unpack_from(data, position)[0])
    except struct.error:
        raise ValueError("unexpected number of bytes read from log message header") from None


def _ends_whole(fd: int, size: int) -> bool:
    """Whether the file ends with what looks like an entry, or is empty."""
    if size < _FRAME:
        return size == 0
    lengths = _Lengths(fd)
    length = lengths.at(size - _LENGTH.size)
    start = size - _FRAME - length
    return start >= 0 and lengths.at(start) == length


def _whole_size(fd: int, size: int) -> int:
    """How many bytes from the start of the file are whole entries."""
    end = 0
    while end + _FRAME <= size:
        length = _length_in(os.pread(fd, _LENGTH.size, end), 0)
        if length > _LONGEST or end + _FRAME + length > size:
            break
        end += _FRAME + length
    return end
