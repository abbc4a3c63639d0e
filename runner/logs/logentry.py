"""dockerd's format for its local driver (moby daemon/logger/local, api/types/plugins/logdriver).

    length | LogEntry | length      the lengths in 4 bytes, big endian

The length at the end lets the file be read backwards. LogEntry is a protobuf message:

    message LogEntry {
        string source = 1;
        int64 time_nano = 2;
        bytes line = 3;                 without its newline
        bool partial = 4;
        PartialLogEntryMetadata partial_log_metadata = 5;
    }
    message PartialLogEntryMetadata {
        bool last = 1;
        string id = 2;
        int32 ordinal = 3;
    }

Written and read by hand, since it is little and there can be a million of them in a second: the
lines of a batch differ in nothing but the line.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.logs.message import Message, Partial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.logs.message import Batch, Stream

_LENGTH: Final = struct.Struct(">I")
_FRAME: Final = 2 * _LENGTH.size
_LONGEST: Final = 1_000_000
"""Bytes of an entry beyond which there is none (moby maxMsgLen)."""

_BLOCK: Final = 128 * 1024
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_SKIPPED: Final = {_FIXED64: 8, _FIXED32: 4}
_64_BITS: Final = (1 << 64) - 1


class LogEntries:
    """The format as a codec."""

    def encode(self, batch: Batch) -> bytes:
        """See Codec."""
        start = _text(1, batch.stream.encode()) + _number(2, batch.timestamp_ns)
        if batch.partial is None:
            return _frame_lines(start, batch.data)
        line = batch.data.removesuffix(b"\n") if batch.partial.last else batch.data
        return _framed(start + _text(3, line) + _number(4, 1) + _encode_partial(batch.partial))

    def fill(self, records: bytes, room: int) -> int:
        """See Codec."""
        return next((end for _, end in _frames(records) if end >= room), len(records))

    def decode(self, data: bytes, *, last: bool) -> tuple[list[Message], int]:
        """See Codec. What a crash has torn off at the end is left out."""
        messages: list[Message] = []
        position = 0
        decoder = _EntryDecoder()
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


def _frame_lines(start: bytes, data: bytes) -> bytes:
    """An entry for each line, all of which start alike."""
    ends: dict[int, tuple[bytes, bytes]] = {}
    parts: list[bytes] = []
    for line in data.removesuffix(b"\n").split(b"\n"):
        size = len(line)
        if size not in ends:
            head = start + (b"\x1a" + _varint(size) if size else b"")
            length = _LENGTH.pack(len(head) + size)
            ends[size] = (length + head, length)
        before, after = ends[size]
        parts += (before, line, after)
    return b"".join(parts)


def _framed(entry: bytes) -> bytes:
    length = _LENGTH.pack(len(entry))
    return length + entry + length


def _encode_partial(partial: Partial) -> bytes:
    return _text(
        5,
        _number(1, partial.last) + _text(2, partial.id.encode()) + _number(3, partial.ordinal),
    )


def _text(field: int, value: bytes) -> bytes:
    """The field; none when it is empty, as proto3 has it."""
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value if value else b""


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value & _64_BITS) if value else b""


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


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


class _EntryDecoder:
    """Decodes entries; what those of one batch have in common before the line, only once."""

    def __init__(self) -> None:
        self._head = b"-"  # no entry starts with the end of a group
        self._stream: Stream = "stdout"
        self._time_ns = 0

    def decode(self, entry: bytes) -> Message:
        """The entry's message. Raises ValueError when it is none."""
        if entry.startswith(self._head):
            size, start = _read_varint(entry, len(self._head))
            if start + size == len(entry):
                return Message(entry[start:] + b"\n", self._stream, self._time_ns)
        message = _decode_entry(entry)
        if message.partial is None:
            self._remember(entry, message)
        return message

    def _remember(self, entry: bytes, message: Message) -> None:
        line = _text(3, message.line[:-1])
        if line and entry.endswith(line):
            self._head = entry[: -len(line)] + line[:1]
            self._stream, self._time_ns = message.stream, message.timestamp_ns


def _decode_entry(entry: bytes) -> Message:
    """Raises ValueError when it is none."""
    fields = dict(_fields(entry))
    partial = _decode_partial(_bytes_of(fields, 5)) if _int_of(fields, 4) else None
    newline = b"\n" if partial is None or partial.last else b""
    stream: Stream = "stderr" if _bytes_of(fields, 1) == b"stderr" else "stdout"
    return Message(_bytes_of(fields, 3) + newline, stream, _int_of(fields, 2), partial)


def _decode_partial(data: bytes) -> Partial:
    fields = dict(_fields(data))
    name = _bytes_of(fields, 2).decode("utf-8", "replace")
    return Partial(name, _int_of(fields, 3), last=bool(_int_of(fields, 1)))


_Fields = dict[int, "int | bytes"]


def _int_of(fields: _Fields, number: int) -> int:
    value = fields.get(number, 0)
    if isinstance(value, bytes):
        raise ValueError("not a log entry")
    return value - (1 << 64) if value >> 63 else value


def _bytes_of(fields: _Fields, number: int) -> bytes:
    value = fields.get(number, b"")
    if isinstance(value, int):
        raise ValueError("not a log entry")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """A message's fields by their numbers. Raises ValueError when it is none."""
    position, end = 0, len(data)
    while position < end:
        key, position = _read_varint(data, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, position = _read_varint(data, position)
            yield key >> 3, value
        elif wire_type == _BYTES:
            size, position = _read_varint(data, position)
            position += size
            yield key >> 3, data[position - size : position]
        else:
            position += _SKIPPED.get(wire_type, end)
    if position != end:
        raise ValueError("not a log entry")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The number there, and where it ends."""
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("not a log entry")


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
