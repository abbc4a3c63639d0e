"""JSON from outside as Go reads it."""

from __future__ import annotations

import msgspec
import pytest

from runner.types import gojson


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, "b"]}', {"a": [1, "b"]}),
        (b'{"\xd4tq": "\xff\xfe"}', {"\ufffdtq": "\ufffd\ufffd"}),
        (b'"\xe2\x82"', "\ufffd\ufffd"),
        (b'"\xf0\x9f\x98!"', "\ufffd\ufffd\ufffd!"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        ('{"a": "\udcff"}', {"a": "\ufffd"}),
    ],
)
def test_what_is_not_utf_8_is_replaced(data: bytes | str, value: object) -> None:
    assert gojson.decode(data) == value


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff", "[1"])
def test_what_is_not_json_is_one_error(data: bytes | str) -> None:
    with pytest.raises(msgspec.DecodeError):
        gojson.decode(data)


def test_a_value_of_another_type() -> None:
    assert gojson.decode("[1]", list[int]) == [1]
    with pytest.raises(msgspec.ValidationError):
        gojson.decode("{}", list[int])
