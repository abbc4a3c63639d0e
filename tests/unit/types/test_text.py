"""Paths and text by Go's rules."""

import pytest

from runner.types.gotext import format_duration, quote, saturating_int
from runner.types.ids import generate_id, truncate_id
from runner.types.paths import clean, is_local


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", "."),
        (".", "."),
        ("/", "/"),
        ("//", "/"),
        ("//a//b/", "/a/b"),
        ("/a/../b//c", "/b/c"),
        ("/../a", "/a"),
        ("a/..", "."),
        ("../a", "../a"),
        ("./a", "a"),
    ],
)
def test_clean(path: str, cleaned: str) -> None:
    assert clean(path) == cleaned


@pytest.mark.parametrize(
    ("path", "local"),
    [("a", True), ("a/../b", True), (".", True), ("..a", True)]
    + [(path, False) for path in ("", "/a", "..", "../a", "a/../..")],
)
def test_is_local(path: str, local: bool) -> None:
    assert is_local(path) is local


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("plain ü", '"plain ü"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("\n\t\x00\x7f", r'"\n\t\x00\x7f"'),
        ("\u200b\U000e0001", r'"\u200b\U000e0001"'),
        ("\udcff", r'"\xff"'),
    ],
)
def test_quote(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_ids() -> None:
    identifier = generate_id()
    assert len(identifier) == 64
    assert int(identifier, 16) >= 0
    assert truncate_id(identifier) == identifier[:12]
    assert truncate_id("sha256:0123456789abcdef") == "0123456789ab"


def test_a_short_id_is_never_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["1" * 64, "2" * 12 + "f" * 52, "3" * 11 + "a" + "4" * 52])
    monkeypatch.setattr("secrets.token_hex", lambda count: next(drawn))
    assert generate_id() == "3" * 11 + "a" + "4" * 52


@pytest.mark.parametrize(
    ("digits", "number"),
    [("", 0), ("007", 7), ("0" * 9999 + "1", 1), (str(2**63), 2**63 - 1), ("9" * 9999, 2**63 - 1)],
)
def test_numbers_end_at_the_largest_int64(digits: str, number: int) -> None:
    assert saturating_int(digits) == number


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (3, "3ns"),
        (1_500, "1.5µs"),
        (999_999, "999.999µs"),
        (20_000_000, "20ms"),
        (1_000_000_000, "1s"),
        (1_500_000_000, "1.5s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_001, "1h0m0.000000001s"),
    ],
)
def test_format_duration(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text
