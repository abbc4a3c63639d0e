"""Points in time as clients give them (moby api/types/time).

parse_timestamp   what goes over the wire: Unix seconds with a fraction
get_timestamp     what users write, too: durations before now, RFC 3339 and its shortenings
"""

from __future__ import annotations

import time

from runner.types import gotime
from runner.types.errors import RunnerError
from runner.types.gotext import parse_int, quote


def parse_timestamp(text: str) -> int | None:
    """Nanoseconds since the epoch of `seconds[.nanoseconds]`; None if empty (ParseTimestamps).

    Raises RunnerError: to dockerd, a bad one is an untyped error.
    """
    if not text:
        return None
    whole, point, fraction = text.partition(".")
    try:
        seconds = parse_int(whole)
        nanoseconds = parse_int(fraction) if point else 0
    except ValueError as err:
        raise RunnerError(str(err)) from err
    return seconds * gotime.SECOND + int(nanoseconds * 10.0 ** (9 - len(fraction)))


def get_timestamp(text: str, now: int | None = None) -> int:
    """Nanoseconds since the epoch of a duration before `now`, a date or Unix seconds.

    A date without zone is local. Raises RunnerError. Source: GetTimestamp.
    """
    try:
        return _from_duration(text, time.time_ns() if now is None else now)
    except ValueError:
        pass
    try:
        return _from_date(text)
    except ValueError as err:
        if "-" in text:
            raise RunnerError(str(err)) from err
    try:
        seconds = parse_timestamp(text)
    except RunnerError:
        seconds = None
    if seconds is None:
        raise RunnerError(f"failed to parse value as time or duration: {quote(text)}")
    return seconds


def _from_duration(text: str, now: int) -> int:
    if text == "0":  # the epoch, rather than no time at all
        raise ValueError(text)
    return (now - gotime.parse_duration(text)) // gotime.SECOND * gotime.SECOND


def _from_date(text: str) -> int:
    is_local = not any(mark in text for mark in "zZ+") and text.count("-") != 3
    return gotime.parse_time(_layout(text, is_local), text, time.localtime().tm_gmtoff)


def _layout(text: str, is_local: bool) -> str:
    """By the number of colons one tells how much of the clock is there."""
    zone = "" if is_local else "Z07:00"
    if "." in text:
        return f"2006-01-02T15:04:05.999999999{zone}"
    if "T" not in text:
        return f"2006-01-02{zone}"
    colons = text.count(":")
    if not is_local and not any(mark in text for mark in "zZ") and colons:
        colons -= 1  # that of the zone
    clock = {0: "15", 1: "15:04"}.get(colons, "15:04:05")
    return f"2006-01-02T{clock}{zone}"
