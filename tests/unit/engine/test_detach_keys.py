"""Detach keys: parsed as Docker does, found wherever the input is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.detach_keys import DEFAULT_DETACH_KEYS, DetachDetector, parse_detach_keys
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", b"\x10\x11"),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("a,b", b"ab"),
        ("ctrl-@", b"\x00"),
        ("ctrl-[,x", b"\x1bx"),
        ("ctrl-_", b"\x1f"),
    ],
)
def test_good_keys(text: str, keys: bytes) -> None:
    assert parse_detach_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ab", "ctrl-A,ctrl-1", ",", "a,", "ä"])
def test_bad_keys(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"Invalid detach keys \(.*\) provided"):
        parse_detach_keys(text)


def feed(chunks: list[bytes]) -> tuple[bytes, bool]:
    detector = DetachDetector(DEFAULT_DETACH_KEYS)
    passed = b""
    for chunk in chunks:
        through, detached = detector.feed(chunk)
        passed += through
        if detached:
            return passed, True
    return passed, False


def test_a_sequence_that_does_not_complete_goes_through() -> None:
    assert feed([b"a\x10b"]) == (b"a\x10b", False)
    assert feed([b"\x10", b"\x10\x11z"]) == (b"\x10", True)


@given(st.binary(max_size=40), st.integers(1, 7))
def test_cutting_the_input_changes_nothing(data: bytes, size: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert feed(pieces) == feed([data])


@given(st.binary(max_size=40))
def test_nothing_is_lost_before_the_sequence(data: bytes) -> None:
    passed, detached = feed([data + b"\x10\x11"])
    assert detached
    assert passed == data[: (data + b"\x10\x11").index(b"\x10\x11")]
