"""Sizes as Docker's users write them: "10m", "1.5 GB", "64KiB" (docker/go-units size.go)."""

from __future__ import annotations

import re
from typing import Final

_DECIMAL: Final = {unit: 1000**power for power, unit in enumerate("kmgtp", start=1)}
_BINARY: Final = {unit: 1024**power for power, unit in enumerate("kmgtp", start=1)}
_FLOAT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
"""What strconv.ParseFloat takes, without its hexadecimal, infinite and astronomical numbers."""


def from_human_size(text: str) -> int:
    """Bytes of a size in powers of 1000 (go-units FromHumanSize). Raises ValueError."""
    return _parse_size(text, _DECIMAL)


def ram_in_bytes(text: str) -> int:
    """Bytes of a size in powers of 1024 (go-units RAMInBytes). Raises ValueError."""
    return _parse_size(text, _BINARY)


def _parse_size(text: str, units: dict[str, int]) -> int:
    number, suffix = _split(text)
    if not _FLOAT.fullmatch(number):
        raise ValueError(f'strconv.ParseFloat: parsing "{number}": invalid syntax')
    size = float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    return int(size * _multiplier(suffix.lower() if len(suffix) <= 3 else suffix, units))


def _split(text: str) -> tuple[str, str]:
    """The number and the unit, parted at the last digit, dot or space."""
    at = max(text.rfind(character) for character in "0123456789. ")
    if at < 0:
        raise ValueError(f"invalid size: '{text}'")
    return (text[:at] if text[at] == " " else text[: at + 1]), text[at + 1 :]


def _multiplier(suffix: str, units: dict[str, int]) -> int:
    if suffix in ("", "b"):
        return 1
    unit, rest = suffix[0], suffix[1:]
    if unit not in units or rest not in ("", "b", "ib"):
        raise ValueError(f"invalid suffix: '{suffix}'")
    return units[unit]
