"""Cutting output into records."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from runner.logs import LineSplitter, Message
from runner.logs.copier import RECORD_SIZE


def records(*chunks: bytes) -> list[Message]:
    splitter = LineSplitter("stdout")
    batches = [batch for time, chunk in enumerate(chunks) for batch in splitter.feed(chunk, time)]
    batches += splitter.flush(len(chunks))
    return [message for batch in batches for message in batch.messages()]


def lines(*chunks: bytes) -> list[bytes]:
    return [message.line for message in records(*chunks)]


def test_lines_keep_their_newlines() -> None:
    assert lines(b"a\nb\n\nc\n") == [b"a\n", b"b\n", b"\n", b"c\n"]


def test_carriage_returns_do_not_split() -> None:
    assert lines(b"a\rb\r\n\x0bc\n") == [b"a\rb\r\n", b"\x0bc\n"]


def test_an_unterminated_line_is_stored_as_it_is() -> None:
    assert lines(b"a\nb") == [b"a\n", b"b"]
    assert lines(b"") == []


def test_one_feed_of_short_lines_is_one_batch() -> None:
    assert len(LineSplitter("stderr").feed(b"x" * 99 + b"\n")) == 1
    assert len(LineSplitter("stderr").feed((b"x" * 99 + b"\n") * 655)) == 1


def test_a_line_that_fits_with_its_newline_is_one_record() -> None:
    line = b"x" * (RECORD_SIZE - 1) + b"\n"
    assert lines(line, b"y\n") == [line, b"y\n"]


def test_a_full_record_without_newline_is_a_partial() -> None:
    assert lines(b"x" * RECORD_SIZE + b"\ny\n") == [b"x" * RECORD_SIZE, b"\n", b"y\n"]


def test_parts_share_id_and_first_timestamp() -> None:
    found = records(b"a\n" + b"x" * RECORD_SIZE, b"y" * RECORD_SIZE, b"z\n", b"b\n")
    assert [message.timestamp_ns for message in found] == [0, 0, 0, 0, 3]
    parts = [message.partial for message in found]
    assert parts[0] is None
    assert parts[4] is None
    assert [(part.ordinal, part.last) for part in parts if part] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert len({part.id for part in parts if part}) == 1


def test_each_long_line_has_its_own_id() -> None:
    found = records((b"x" * 20000 + b"\n") * 2)
    assert len({message.partial.id for message in found if message.partial}) == 2


def moby(data: bytes) -> list[bytes]:
    """The records as moby's copySrc makes them with its 16 KiB buffer, spelled as a loop."""
    found = []
    while data:
        end = data.find(b"\n", 0, RECORD_SIZE) + 1 or RECORD_SIZE
        found.append(data[:end])
        data = data[end:]
    return found


output = st.lists(
    st.sampled_from([b"\n", b"short\n", b"x", b"y" * 5000, b"z" * RECORD_SIZE, b"w" * 16383])
).map(b"".join)


@given(output, st.lists(st.integers(0, 70000), max_size=8))
def test_records_do_not_depend_on_the_chunks(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in itertools.pairwise(places)]
    assert lines(*chunks) == lines(data) == moby(data)
