"""Moments on the command line, as `--since` and `--until` take them (moby timetypes.GetTimestamp).

A date in RFC 3339 or one of its shortenings, local time where it names no zone; a duration, for
how long ago; or seconds since the epoch. What is wrong with a date is told as Go's time.Parse does.
"""

from __future__ import annotations

import time

from runner.cli.values.numbers import decimal_int, duration, go_quote

_DATE, _CLOCK, _ZONE = "2006-01-02", "15:04:05", "Z07:00"
_NANOSECONDS = 1_000_000_000
_LIMITS = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59),
           "05": ("second", 0, 59)}  # fmt: skip


def timestamp(text: str) -> str:
    """The moment as the API takes it: seconds since the epoch, with a fraction or without.

    Raises ValueError with docker's text.
    """
    if text != "0":
        try:
            return str((time.time_ns() - duration(text)) // _NANOSECONDS)
        except ValueError:
            pass  # no duration
    local = not any(char in text for char in "zZ+") and text.count("-") != 3
    try:
        return _Date(text, _layout(text, local=local)).timestamp()
    except ValueError:
        if "-" in text:  # it was meant to be a date
            raise
    if not _is_number(text):
        raise ValueError(f"failed to parse value as time or duration: {go_quote(text)}")
    return text


def _is_number(text: str) -> bool:
    """Two integers with a point between, or one."""
    try:
        return all(decimal_int(part) is not None for part in text.split(".", 1))
    except ValueError:
        return False


def _layout(text: str, *, local: bool) -> list[str]:
    """The elements that such a date consists of, each as Go's layouts write it."""
    elements = ["2006", "-", "01", "-", "02"]
    if "." in text:
        elements += ["T", "15", ":", "04", ":", "05", ".999999999"]
    elif "T" in text:
        colons = text.count(":")
        if not local and not any(char in text for char in "zZ") and colons:
            colons -= 1  # that of the zone
        elements += ["T", "15", ":", "04", ":", "05"][: 2 + 2 * min(colons, 2)]
    return elements if local else [*elements, _ZONE]


class _Date:
    """A date, read element by element."""

    def __init__(self, text: str, layout: list[str]) -> None:
        self._text = text
        self._rest = text
        self._layout = layout
        self._numbers = {"2006": 1, "01": 1, "02": 1, "15": 0, "04": 0, "05": 0}
        self._nanoseconds = 0
        self._offset = 0 if _ZONE in layout else time.localtime().tm_gmtoff
        for element in layout:
            self._take(element)
        if self._rest:
            raise self._fault(f": extra text: {go_quote(self._rest)}")

    def timestamp(self) -> str:
        """Seconds since the epoch with nine digits behind the point."""
        import datetime

        year, month, day, hour, minute, second = self._numbers.values()
        zone = datetime.UTC
        try:
            moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=zone)
        except ValueError:
            raise self._fault(": day out of range") from None
        return f"{int(moment.timestamp()) - self._offset}.{self._nanoseconds:09}"

    def _take(self, element: str) -> None:
        if element == "2006":
            self._numbers[element] = self._number(element, 4)
        elif element in self._numbers:
            self._take_number(element)
        elif element == ".999999999":
            self._take_fraction()
        elif element == _ZONE:
            self._take_zone()
        elif self._rest.startswith(element):
            self._rest = self._rest[len(element) :]
        else:
            raise self._unreadable(element)

    def _take_number(self, element: str) -> None:
        """Two digits; of hours one is enough."""
        size = 1 if element == "15" and not self._rest[1:2].isdigit() else 2
        number = self._number(element, size)
        name, first, last = _LIMITS.get(element, ("", number, number))
        if not first <= number <= last:
            raise self._fault(f": {name} out of range")
        self._numbers[element] = number
        if element == "05" and ".999999999" not in self._layout:
            self._take_fraction()

    def _number(self, element: str, size: int) -> int:
        digits = self._rest[:size]
        if len(digits) < size or not (digits.isascii() and digits.isdigit()):
            raise self._unreadable(element)
        self._rest = self._rest[size:]
        return int(digits)

    def _take_fraction(self) -> None:
        """A fraction of the seconds may be there whatever the layout says."""
        if self._rest[:1] not in (".", ",") or not self._rest[1:2].isdigit():
            return
        rest = self._rest[1:].lstrip("0123456789")
        digits = self._rest[1 : len(self._rest) - len(rest)]
        self._nanoseconds = int(f"{digits:0<9.9}")
        self._rest = rest

    def _take_zone(self) -> None:
        if self._rest.startswith("Z"):
            self._rest = self._rest[1:]
            return
        sign, hours, colon, minutes = (
            self._rest[:1], self._rest[1:3], self._rest[3:4], self._rest[4:6],
        )  # fmt: skip
        digits = hours + minutes
        if len(digits) < 4 or not digits.isdigit() or colon != ":" or sign not in ("+", "-"):
            raise self._unreadable(_ZONE)
        if int(hours) > 24:
            raise self._fault(": time zone offset hour out of range")
        if int(minutes) > 60:
            raise self._fault(": time zone offset minute out of range")
        seconds = (int(hours) * 60 + int(minutes)) * 60
        self._offset = -seconds if sign == "-" else seconds
        self._rest = self._rest[6:]

    def _unreadable(self, element: str) -> ValueError:
        layout = "".join(self._layout)
        return self._fault(
            f" as {go_quote(layout)}: cannot parse {go_quote(self._rest)} as {go_quote(element)}"
        )

    def _fault(self, message: str) -> ValueError:
        return ValueError(f"parsing time {go_quote(self._text)}{message}")
