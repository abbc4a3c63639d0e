"""Frames, detach keys, JSON, units, progress: what needs no engine."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.client import jsontext, progress, signals, units
from runner.client.errors import ClientError, UnexpectedAnswer
from runner.client.streams import Demultiplexer
from runner.client.terminal import DetachKeys, parse_detach_keys


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


@given(
    st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=20)), max_size=8),
    st.lists(st.integers(1, 9), max_size=30),
)
def test_frames_however_they_are_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(frame(stream, payload) for stream, payload in frames)
    reader = Demultiplexer()
    got: dict[int, bytes] = {1: b"", 2: b""}
    for cut in [*cuts, len(wire)]:
        piece, wire = wire[:cut], wire[cut:]
        for stream, payload in reader.feed(piece):
            got[stream] += payload
    for stream, whole in got.items():
        assert whole == b"".join(payload for number, payload in frames if number == stream)


def test_payload_is_passed_on_before_its_frame_is_complete() -> None:
    assert Demultiplexer().feed(frame(1, b"hello")[:-2]) == [(1, b"hel")]


def test_neighbours_are_joined() -> None:
    wire = frame(1, b"a") + frame(1, b"b") + frame(2, b"c")
    assert Demultiplexer().feed(wire) == [(1, b"ab"), (2, b"c")]


@pytest.mark.parametrize("header", [b"\x09\0\0\0\0\0\0\1", b"\1x\0\0\0\0\0\1"])
def test_what_is_no_header_is_refused(header: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        Demultiplexer().feed(header)


@pytest.mark.parametrize(
    ("pieces", "passed", "detached"),
    [
        ([b"abc"], b"abc", False),
        ([b"\x10\x11"], b"", True),
        ([b"a\x10", b"\x11rest"], b"a", True),
        ([b"\x10", b"b"], b"\x10b", False),
        ([b"\x10\x10\x11"], b"\x10\x10\x11", False),
        ([b"a\x10b\x10\x11"], b"a\x10b", True),
    ],
)
def test_detach_keys(pieces: list[bytes], passed: bytes, detached: bool) -> None:
    keys, out, found = DetachKeys(b"\x10\x11"), b"", False
    for piece in pieces:
        data, found = keys.feed(piece)
        out += data
    assert (out, found) == (passed, detached)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("ctrl-@,a", b"\0a"),
        ("ctrl-[,ctrl-_", b"\x1b\x1f"),
        ("DEL", b"\x7f"),
    ],
)
def test_key_sequences(text: str, codes: bytes) -> None:
    assert parse_detach_keys(text) == codes


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-1", "xy", "a,,b", "é€"])
def test_bad_key_sequences(text: str) -> None:
    with pytest.raises(ClientError):
        parse_detach_keys(text)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON)
def test_json_as_the_standard_library(value: Any) -> None:
    assert json.loads(jsontext.dumps(value)) == value
    assert jsontext.loads(json.dumps(value)) == value
    assert json.loads(jsontext.indent(value)) == value


@given(JSON)
def test_indentation_as_gos(value: Any) -> None:
    expected = json.dumps(value, indent=4, ensure_ascii=False)
    for char in "\u2028\u2029":
        expected = expected.replace(char, f"\\u{ord(char):04x}")
    assert jsontext.indent(value) == expected


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", "1 2", '{"a" 1}'])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        jsontext.loads(text)


def test_streams_of_documents() -> None:
    assert list(jsontext.documents(iter([b'{"a":', b'1}\r\n{"b"', b":2}\n\n", b"3"]))) == [
        {"a": 1},
        {"b": 2},
        3,
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert units.human_duration(seconds) == text


def test_sizes() -> None:
    assert units.human_size(3084000, 3) == "3.08MB"
    assert units.human_size(999) == "999B"
    assert units.bytes_size(25276461056) == "23.54GiB"


PULL = [
    {"status": "Pulling from library/x", "id": "latest"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "aa"},
    {"status": "Downloading", "progressDetail": {"current": 50, "total": 100}, "id": "aa"},
    {"status": "Pull complete", "progressDetail": {}, "id": "aa"},
    {"status": "Digest: sha256:1"},
    {"aux": {"ID": "x"}},
]


def shown(messages: list[dict[str, Any]]) -> str:
    reading, writing = os.pipe()
    try:
        progress.display((json.dumps(message).encode() + b"\r\n" for message in messages), writing)
        return os.read(reading, 65536).decode()
    finally:
        os.close(reading)
        os.close(writing)


def test_progress_where_there_is_no_terminal() -> None:
    assert shown(PULL) == (
        "latest: Pulling from library/x\n"
        "aa: Pulling fs layer\n"
        "aa: Pull complete\n"
        "Digest: sha256:1\n"
    )


@pytest.mark.parametrize(
    ("detail", "text"),
    [
        ({"message": "denied"}, "denied"),
        ({"code": 401, "message": "x"}, "authentication is required"),
    ],
)
def test_a_stream_can_end_in_an_error(detail: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError) as caught:
        shown([{"errorDetail": detail, "error": "x"}])
    assert str(caught.value) == text


def test_signal_names() -> None:
    import signal

    assert signals.signal_name(signal.SIGINT) == "INT"
    assert signals.signal_name(signal.SIGWINCH) == "WINCH"
    assert signals.signal_name(signal.SIGRTMIN + 2) == "RTMIN+2"
