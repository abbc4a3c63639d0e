"""dockerd's local format, held against the protobuf library."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from runner.logs import Batch, Message, Partial
from runner.logs.entryfile import LogEntries

if TYPE_CHECKING:
    from pathlib import Path

    from runner.logs.message import Stream

TIME = 1767323045678901234
CODEC = LogEntries()

streams = st.sampled_from(["stdout", "stderr"])
times = st.integers(-(2**63), 2**63 - 1)
partials = st.builds(
    Partial, st.text("0123456789abcdef", max_size=64), st.integers(0, 2**31 - 1), st.booleans()
)


def _log_entry() -> Any:
    """The message's class, from moby's entry.proto as numbers and types."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="entry.proto", syntax="proto3")
    for message, fields in {
        "Metadata": [
            ("last", types.TYPE_BOOL),
            ("id", types.TYPE_STRING),
            ("ordinal", types.TYPE_INT32),
        ],
        "LogEntry": [
            ("source", types.TYPE_STRING),
            ("time_nano", types.TYPE_INT64),
            ("line", types.TYPE_BYTES),
            ("partial", types.TYPE_BOOL),
            ("partial_log_metadata", types.TYPE_MESSAGE),
        ],
    }.items():
        described = file.message_type.add(name=message)
        for number, (name, kind) in enumerate(fields, start=1):
            nested = ".Metadata" if kind == types.TYPE_MESSAGE else None
            described.field.add(
                name=name, number=number, type=kind, type_name=nested, label=types.LABEL_OPTIONAL
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("LogEntry"))  # type: ignore[no-untyped-call]


LogEntry = _log_entry()


def entries_in(data: bytes) -> list[Any]:
    """The file's entries as the library reads them, the lengths at both ends checked."""
    entries = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        assert data[4 + length : 8 + length] == data[:4]
        entries.append(LogEntry.FromString(data[4 : 4 + length]))
        data = data[8 + length :]
    return entries


def framed(entry: Any) -> bytes:
    encoded: bytes = entry.SerializeToString()
    length = struct.pack(">I", len(encoded))
    return length + encoded + length


@given(st.lists(st.binary(max_size=300).filter(lambda line: b"\n" not in line)), streams, times)
def test_lines_are_entries(lines: list[bytes], stream: Stream, time: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    if not lines:
        return
    encoded = CODEC.encode(Batch(data, stream, time))
    found = [(entry.source, entry.time_nano, entry.line) for entry in entries_in(encoded)]
    assert found == [(stream, time, line) for line in lines]
    messages, taken = CODEC.decode(encoded, last=True)
    assert taken == len(encoded)
    assert messages == [Message(line + b"\n", stream, time) for line in lines]


@given(st.binary(min_size=1, max_size=300), streams, times, partials)
def test_parts_are_entries(data: bytes, stream: Stream, time: int, partial: Partial) -> None:
    line = data.replace(b"\n", b".") + (b"\n" if partial.last else b"")
    encoded = CODEC.encode(Batch(line, stream, time, partial))
    (entry,) = entries_in(encoded)
    metadata = entry.partial_log_metadata
    assert entry.partial
    assert entry.line == line.removesuffix(b"\n")
    assert (metadata.id, metadata.ordinal, metadata.last) == (
        partial.id,
        partial.ordinal,
        partial.last,
    )
    assert CODEC.decode(encoded, last=True)[0] == [Message(line, stream, time, partial)]


def test_the_bytes() -> None:
    """A line and an empty one, which has no field."""
    common = "0a067374646f757410f2cfb5a8a4deb2c318"
    expected = f"00000016{common}1a0268690000001600000012{common}00000012"
    assert CODEC.encode(Batch(b"hi\n\n", "stdout", TIME)).hex() == expected


def test_what_others_might_write_is_read() -> None:
    """Fields in another order, fields that we do not know, no metadata."""
    known = LogEntry(source="stderr", time_nano=5, line=b"x").SerializeToString()
    unknown = b"\x32\x01u" + b"\x39" + b"\0" * 8 + b"\x45" + b"\0" * 4 + b"\x48\x01"
    for encoded in (unknown + known, known + unknown):
        length = struct.pack(">I", len(encoded))
        messages, _ = CODEC.decode(length + encoded + length, last=True)
        assert messages == [Message(b"x\n", "stderr", 5)]
    partial = framed(LogEntry(source="stdout", time_nano=5, line=b"x", partial=True))
    assert CODEC.decode(partial, last=True)[0] == [
        Message(b"x", "stdout", 5, Partial("", 0, last=False))
    ]


@given(st.binary(max_size=200))
def test_what_is_no_file_is_refused_or_read_in_part(data: bytes) -> None:
    try:
        _, taken = CODEC.decode(data, last=True)
    except ValueError:
        return
    assert taken <= len(data)


def test_good_entries_before_a_bad_one_are_read() -> None:
    good = CODEC.encode(Batch(b"a\nb\n", "stdout", TIME))
    bad = struct.pack(">I", 3) + b"\xff\xff\xff" + struct.pack(">I", 3)
    messages, taken = CODEC.decode(good + bad, last=True)
    assert ([message.line for message in messages], taken) == ([b"a\n", b"b\n"], len(good))
    with pytest.raises(ValueError, match="not a log entry"):
        CODEC.decode(bad, last=True)
    with pytest.raises(ValueError, match="log message is too large"):
        CODEC.decode(b"\x7f\0\0\0" + b"x" * 100, last=True)


@pytest.mark.parametrize("room", [0, 1, 20, 40, 41, 1000, 10**6])
def test_fill_ends_with_a_record(room: int) -> None:
    records = CODEC.encode(Batch(b"".join(b"%d\n" % number for number in range(50)), "stdout", 1))
    end = CODEC.fill(records, room)
    assert len(entries_in(records[:end])) >= 1
    if end < len(records):
        assert end >= room
        shorter = entries_in(records[:end])[:-1]
        assert sum(len(framed(entry)) for entry in shorter) < max(room, 1)


@pytest.mark.parametrize("count", [0, 1, 2, 2999, 3000, 4000])
def test_tail_goes_backwards_through_blocks(tmp_path: Path, count: int) -> None:
    lines = [b"%d %s\n" % (number, b"x" * (number % 500)) for number in range(3000)]
    lines[1500] = b"y" * 200_000 + b"\n"
    records = CODEC.encode(Batch(b"".join(lines), "stdout", TIME))
    path = tmp_path / "log"
    path.write_bytes(records)
    with path.open("rb") as file:
        start, found = CODEC.tail(file, len(records), count)
    assert found == min(count, 3000)
    messages, _ = CODEC.decode(records[start:], last=True)
    assert [message.line for message in messages] == (lines[-count:] if count else [])


def test_tail_of_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(CODEC.encode(Batch(b"a\n", "stdout", TIME)) + b"torn off here")
    with path.open("rb") as file, pytest.raises(ValueError, match="different message sizes"):
        CODEC.tail(file, path.stat().st_size, 1)


@pytest.mark.parametrize("cut", range(1, 30))
def test_what_is_torn_is_taken_back(tmp_path: Path, cut: int) -> None:
    whole = CODEC.encode(Batch(b"a\nbb\n", "stdout", TIME))
    path = tmp_path / "log"
    path.write_bytes(whole + CODEC.encode(Batch(b"cc\n", "stdout", TIME))[:cut])
    fd = os.open(path, os.O_RDWR)
    try:
        CODEC.mend(fd)
        assert path.read_bytes() == whole
        CODEC.mend(fd)
    finally:
        os.close(fd)
    assert path.read_bytes() == whole
