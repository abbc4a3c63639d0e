"""Durations and points in time as Go's package time reads them, with its complaints."""

from __future__ import annotations

import calendar
import re
from typing import Final

from runner.types.gotext import quote

SECOND: Final = 1_000_000_000
"""In nanoseconds."""

_UNITS: Final = {
    "ns": 1,
    "us": 1000,
    "\u00b5s": 1000,  # the micro sign
    "\u03bcs": 1000,  # the Greek letter
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_TERM: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)")
_LONGEST: Final = 2**63 - 1
_DIGITS: Final = 19


def parse_duration(text: str) -> int:
    """Nanoseconds of `1m30s`, `-1.5h`, `0` (time.ParseDuration). Raises ValueError."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    total, at = 0, 0
    while at < len(unsigned):
        term = _TERM.match(unsigned, at)
        assert term is not None  # as any character begins one
        total += _nanoseconds(term, text)
        at = term.end()
    if not unsigned or total > _LONGEST:
        raise ValueError(f"time: invalid duration {quote(text)}")
    return -total if text.startswith("-") else total


def _nanoseconds(term: re.Match[str], text: str) -> int:
    """Those of a number with its unit, of which the text consists."""
    whole, fraction, unit = term[1].lstrip("0"), (term[2] or "")[:18], term[3]
    if not (term[1] or term[2]) or len(whole) > _DIGITS:
        raise ValueError(f"time: invalid duration {quote(text)}")
    if not unit:
        raise ValueError(f"time: missing unit in duration {quote(text)}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
    scale = _UNITS[unit]
    return int(whole or 0) * scale + int(fraction or 0) * scale // int(10 ** len(fraction))


_ELEMENT: Final = re.compile(r"2006|01|02|15|04|05|\.999999999|Z07:00")
_PATTERNS: Final = {
    "2006": re.compile(r"[0-9]{4}"),
    "01": re.compile(r"[0-9]{2}"),
    "02": re.compile(r"[0-9]{2}"),
    "15": re.compile(r"[0-9]{1,2}"),
    "04": re.compile(r"[0-9]{2}"),
    "05": re.compile(r"[0-9]{2}([.,][0-9]+)?"),  # a fraction is taken even if none is foreseen
    ".999999999": re.compile(""),
    "Z07:00": re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}"),
}
_RANGES: Final = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59)}


def parse_time(layout: str, text: str, offset: int) -> int:
    """Nanoseconds since the epoch of a text in the layout (time.ParseInLocation).

    `offset` is the zone of texts that name none, in seconds east of UTC. Of the layout's elements
    only those of RFC 3339 are known. Raises ValueError with Go's words.
    """
    found = {"15": "0", "04": "0", "05": "0"}
    at = end = 0
    for element in _ELEMENT.finditer(layout):
        for what in (layout[end : element.start()], element[0]):
            match = _PATTERNS.get(what, re.compile(re.escape(what))).match(text, at)
            if match is None:
                raise ValueError(
                    f"parsing time {quote(text)} as {quote(layout)}:"
                    f" cannot parse {quote(text[at:])} as {quote(what)}"
                )
            found[what], at = match[0], match.end()
            _check_range(text, what, found[what])
        end = element.end()
    if at < len(text):
        raise ValueError(f"parsing time {quote(text)}: extra text: {quote(text[at:])}")
    return _moment(text, found, offset)


def _check_range(text: str, element: str, value: str) -> None:
    """Only the day must wait until the month is known, and it waits for the end."""
    if element in _RANGES:
        name, lowest, highest = _RANGES[element]
        if not lowest <= int(value) <= highest:
            raise ValueError(f"parsing time {quote(text)}: {name} out of range")
    if element == "05" and int(value[:2]) > 59:
        raise ValueError(f"parsing time {quote(text)}: second out of range")


def _moment(text: str, found: dict[str, str], offset: int) -> int:
    cycles = 400  # years after which the calendar repeats: Python's has no year 0
    year, month, day = int(found["2006"]) + cycles, int(found["01"]), int(found["02"])
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise ValueError(f"parsing time {quote(text)}: day out of range")
    clock = (int(found["15"]), int(found["04"]), int(found["05"][:2]))
    seconds = calendar.timegm((year, month, day, *clock)) - 146_097 * 86_400
    fraction = found["05"][3:12].ljust(9, "0")
    return (seconds - _offset(found, offset)) * SECOND + int(fraction)


def _offset(found: dict[str, str], offset: int) -> int:
    zone = found.get("Z07:00")
    if zone is None or zone == "Z":
        return offset if zone is None else 0
    seconds = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return -seconds if zone[0] == "-" else seconds
