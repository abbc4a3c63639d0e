"""Points in time, read as dockerd reads them."""

from __future__ import annotations

import time

import pytest

from runner.types.errors import RunnerError
from runner.types.gotext import quote
from runner.types.gotime import SECOND, parse_duration
from runner.types.timestamps import get_timestamp, parse_timestamp

NOW = 1_767_323_045_678_901_234
MINUTE = 60 * SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("", None),
        ("0", 0),
        ("12", 12 * SECOND),
        ("-5", -5 * SECOND),
        ("12.5", 12 * SECOND + 500_000_000),
        ("12.000000001", 12 * SECOND + 1),
        ("12.1234567891", 12 * SECOND + 123_456_789),
    ],
)
def test_unix_seconds(text: str, nanoseconds: int | None) -> None:
    assert parse_timestamp(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10m", '"10m": invalid syntax'),
        ("5.x", '"x": invalid syntax'),
        ("5.", '"": invalid syntax'),
        ("\u00b2", '"\u00b2": invalid syntax'),
        ("9" * 5000, f'"{"9" * 5000}": value out of range'),
        ("2026-01-01", '"2026-01-01": invalid syntax'),
    ],
)
def test_what_is_no_number_of_seconds(text: str, message: str) -> None:
    with pytest.raises(RunnerError) as error:
        parse_timestamp(text)
    assert str(error.value) == f"strconv.ParseInt: parsing {message}"


@pytest.fixture
def _an_hour_east(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EAST-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


DATE = 1_767_312_000 * SECOND
"""2026-01-02T00:00:00Z"""


@pytest.mark.usefixtures("_an_hour_east")
@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("10m", NOW // SECOND * SECOND - 10 * MINUTE),
        ("-10m", NOW // SECOND * SECOND + 10 * MINUTE),
        ("1h0.5s", (NOW - 60 * MINUTE - SECOND // 2) // SECOND * SECOND),
        ("0", 0),
        ("12.5", 12 * SECOND + SECOND // 2),
        ("2026-01-02", DATE - 60 * MINUTE),
        ("2026-01-02Z", DATE),
        ("2026-01-02+01:00", DATE - 60 * MINUTE),
        ("2026-01-02-01:00", DATE + 60 * MINUTE),
        ("2026-01-02T03", DATE + 120 * MINUTE),
        ("2026-01-02T3:04", DATE + 124 * MINUTE),
        ("2026-01-02T03:04:05", DATE + 124 * MINUTE + 5 * SECOND),
        ("2026-01-02T03Z", DATE + 180 * MINUTE),
        ("2026-01-02T03:04Z", DATE + 184 * MINUTE),
        ("2026-01-02T03:04:05Z", DATE + 184 * MINUTE + 5 * SECOND),
        ("2026-01-02T03:04:05+00:30", DATE + 154 * MINUTE + 5 * SECOND),
        ("2026-01-02T03:04:05.123", DATE + 124 * MINUTE + 5 * SECOND + 123_000_000),
        ("2026-01-02T03:04:05.1234567899Z", DATE + 184 * MINUTE + 5 * SECOND + 123_456_789),
        ("2024-02-29Z", 1_709_164_800 * SECOND),
        ("0000-02-29Z", -62_162_121_600 * SECOND),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    assert get_timestamp(text, NOW) == nanoseconds


LOCAL, ZONED = "2006-01-02", "2006-01-02Z07:00"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'failed to parse value as time or duration: ""'),
        ("yesterday", 'failed to parse value as time or duration: "yesterday"'),
        ("5.x", 'failed to parse value as time or duration: "5.x"'),
        ("2026-13-01", 'parsing time "2026-13-01": month out of range'),
        ("2026-02-30", 'parsing time "2026-02-30": day out of range'),
        ("2026-1-1", f'parsing time "2026-1-1" as "{LOCAL}": cannot parse "1-1" as "01"'),
        ("a-b", f'parsing time "a-b" as "{LOCAL}": cannot parse "a-b" as "2006"'),
        ("2026-01-02x", 'parsing time "2026-01-02x": extra text: "x"'),
        (
            "2026-01-02T25:00:00",
            'parsing time "2026-01-02T25:00:00": hour out of range',
        ),
        (
            "2026-01-02T01:60Z",
            'parsing time "2026-01-02T01:60Z": minute out of range',
        ),
        (
            "2026-01-02T01:00:61.5",
            'parsing time "2026-01-02T01:00:61.5": second out of range',
        ),
        (
            "2026-01-02+1",
            f'parsing time "2026-01-02+1" as "{ZONED}": cannot parse "+1" as "Z07:00"',
        ),
    ],
)
def test_what_is_no_time(text: str, message: str) -> None:
    with pytest.raises(RunnerError) as error:
        get_timestamp(text, NOW)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("1ns", 1),
        ("1\u00b5s1us1\u03bcs", 3000),
        (".5s", SECOND // 2),
        ("5.s", 5 * SECOND),
        ("+1h2m3.5s", 3723 * SECOND + SECOND // 2),
        ("-1.5h", -90 * MINUTE),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *((text, "invalid duration") for text in ("", "+", "s", ".s", "9" * 20 + "s", "1h.s")),
        *((text, "missing unit in duration") for text in ("5", "00", "1.2.3s", "1..5s")),
        ("1x", 'unknown unit "x" in duration'),
        ("1h 2m", 'unknown unit "h " in duration'),
    ],
)
def test_what_is_no_duration(text: str, what: str) -> None:
    with pytest.raises(ValueError, match="time: ") as err:
        parse_duration(text)
    assert str(err.value) == f"time: {what} {quote(text)}"
