"""Texts in the order that people expect: item 2 before item 10 (fvbommel/sortorder)."""

from __future__ import annotations

_ZERO = ord("0")


def natural(text: str) -> list[tuple[int, int]]:
    """A key to sort by: characters, and runs of digits as the numbers that they are."""
    key: list[tuple[int, int]] = []
    for char in text:
        if not (char.isascii() and char.isdigit()):
            key.append((ord(char), 0))
        elif key and key[-1][0] == _ZERO:
            key[-1] = (_ZERO, key[-1][1] * 10 + int(char))
        else:
            key.append((_ZERO, int(char)))
    return key
