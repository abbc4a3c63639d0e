"""Option values as Go's strconv reads them."""

from __future__ import annotations

import re
from typing import Final

from runner.types.gotext import quote

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_LONGEST: Final = 19
"""Digits of the largest int64."""


def parse_bool(text: str) -> bool:
    """strconv.ParseBool. Raises ValueError."""
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax") from None


def parse_int(text: str) -> int:
    """strconv.Atoi. Raises ValueError."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.Atoi: parsing {quote(text)}: invalid syntax")
    if len(text.lstrip("+-0")) > _LONGEST or not -(2**63) <= int(text) < 2**63:
        raise ValueError(f"strconv.Atoi: parsing {quote(text)}: value out of range")
    return int(text)
