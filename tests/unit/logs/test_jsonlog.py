"""Docker's json-file format, byte for byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs import Batch
from runner.logs.jsonlog import decode_record, encode_attrs, encode_batch

TIME = 1767323045678901234
STAMP = "2026-01-02T03:04:05.678901234Z"


def encoded(data: bytes, attrs: bytes = b"") -> str:
    return encode_batch(Batch(data, "stdout", TIME), attrs).decode()


def test_key_order_and_time() -> None:
    assert encoded(b"hi\n") == f'{{"log":"hi\\n","stream":"stdout","time":"{STAMP}"}}\n'


def test_lines_share_one_encoding() -> None:
    assert encoded(b"a\n\nb\n") == encoded(b"a\n") + encoded(b"\n") + encoded(b"b\n")


def test_attrs_stand_before_time() -> None:
    attrs = encode_attrs({"b": "<2>", "a": "1"})
    assert encoded(b"x\n", attrs).endswith(
        f'"stream":"stdout","attrs":{{"a":"1","b":"\\u003c2\\u003e"}},"time":"{STAMP}"}}\n'
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'\\ "', r"\\ \""),
        (b"<a>&", r"\u003ca\u003e\u0026"),
        (b"\r\t\x00\x1b\x7f", "\\r\\u0009\\u0000\\u001b\x7f"),
        ("é€\u2028\u2029\U0001f600".encode(), "é€\\u2028\\u2029\U0001f600"),
        (b"\xff\xfe", r"\ufffd\ufffd"),
        (b"\xe2\x82<", r"\ufffd\ufffd\u003c"),  # a torn euro sign: each byte counts
        (b"\xed\xa0\x80", r"\ufffd\ufffd\ufffd"),  # a surrogate
        ("\ufffd".encode(), "\ufffd"),  # a real one stays
    ],
)
def test_escapes_are_docker_s(data: bytes, text: str) -> None:
    assert encoded(data) == f'{{"log":"{text}","stream":"stdout","time":"{STAMP}"}}\n'


@given(st.binary(min_size=1, max_size=200))
def test_every_output_becomes_valid_json_and_comes_back(data: bytes) -> None:
    written = encoded(data).split("\n")[:-1]
    records = [json.loads(line) for line in written]
    expected = _as_go(data)
    assert "".join(record["log"] for record in records) == expected
    back = [decode_record(line.encode()) for line in written]
    assert b"".join(message.line for message in back).decode() == expected
    assert {message.timestamp_ns for message in back} == {TIME}


def _as_go(data: bytes) -> str:
    """One U+FFFD for each invalid byte."""
    return "".join(
        "\ufffd" if 0xDC80 <= ord(character) <= 0xDCFF else character
        for character in data.decode("utf-8", "surrogateescape")
    )


@pytest.mark.parametrize("line", [b"", b"{", b'{"log":"a', b'{"log":"a"}', b"[]", b'{"time":"x"}'])
def test_what_is_not_a_record(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode_record(line)
