"""dockerd's LogEntry, a protobuf message (moby api/types/plugins/logdriver/entry.proto).

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
entries of a batch differ in nothing but the line, and what they have in common is made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.logs.message import Message, Partial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.logs.message import Batch, Stream

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_SKIPPED: Final = {_FIXED64: 8, _FIXED32: 4}
_64_BITS: Final = (1 << 64) - 1


def encode_head(batch: Batch) -> bytes:
    """What the entries of a batch start with: all but the line."""
    return _text(1, batch.stream.encode()) + _number(2, batch.timestamp_ns)


def encode_line_head(size: int) -> bytes:
    """What stands before a line of `size` bytes; nothing before an empty one, which is left out."""
    return b"\x1a" + _varint(size) if size else b""


def encode_part(batch: Batch, partial: Partial) -> bytes:
    """The entry for a part of a line."""
    line = batch.data.removesuffix(b"\n") if partial.last else batch.data
    metadata = (
        _number(1, partial.last) + _text(2, partial.id.encode()) + _number(3, partial.ordinal)
    )
    return encode_head(batch) + _text(3, line) + _number(4, 1) + _text(5, metadata)


def decode_entry(entry: bytes) -> Message:
    """The entry's message, with its newline. Raises ValueError when it is none."""
    fields = dict(_fields(entry))
    partial = _decode_partial(_bytes_of(fields, 5)) if _int_of(fields, 4) else None
    newline = b"\n" if partial is None or partial.last else b""
    stream: Stream = "stderr" if _bytes_of(fields, 1) == b"stderr" else "stdout"
    return Message(_bytes_of(fields, 3) + newline, stream, _int_of(fields, 2), partial)


class EntryDecoder:
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
        message = decode_entry(entry)
        if message.partial is None:
            self._remember(entry, message)
        return message

    def _remember(self, entry: bytes, message: Message) -> None:
        line = _text(3, message.line[:-1])
        if line and entry.endswith(line):
            self._head = entry[: -len(line)] + line[:1]
            self._stream, self._time_ns = message.stream, message.timestamp_ns


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
