"""Lists of CPUs and memory nodes, `0-3,7` (moby pkg/sysinfo parseUintList)."""

from __future__ import annotations

import re
from typing import Final

from runner.types.errors import InvalidParameter

MAX_CPUS: Final = 8192
"""The kernel's usual maximum; a longer list is refused before it is made (CVE-2018-20699)."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def parse_uint_list(text: str, maximum: int = 0) -> frozenset[int]:
    """The numbers of the list; none may be above `maximum`, unless that is 0.

    Raises InvalidParameter.
    """
    numbers: set[int] = set()
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        low = _number(first, text)
        high = _number(last, text) if dash else low
        if high < low:
            raise _invalid(text)
        if maximum and high > maximum:
            raise InvalidParameter(f"value of out range, maximum is {maximum}")
        numbers.update(range(low, high + 1))
    return frozenset(numbers)


def is_available(requested: str, available: frozenset[int]) -> bool:
    """Whether all requested numbers are there. Raises InvalidParameter for a malformed list."""
    return parse_uint_list(requested, max(MAX_CPUS, *available, 0)) <= available


def _number(digits: str, text: str) -> int:
    if not _NUMBER.fullmatch(digits):
        raise _invalid(text)
    return int(digits)


def _invalid(text: str) -> InvalidParameter:
    return InvalidParameter(f"invalid format: {text}")
