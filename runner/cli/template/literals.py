"""Literals of Go: quoted strings, characters, numbers (strconv)."""

from __future__ import annotations

from runner.cli.values.numbers import go_quote, int64

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_NUMBERED = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_INVALID = "invalid syntax"


def unquote(text: str) -> str:
    """The string that a quoted or raw literal stands for. Raises ValueError."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")
    return _unescape(text[1:-1], '"')


def character(text: str) -> int:
    """The code of a character literal. Raises ValueError."""
    inner = _unescape(text[1:-1], "'")
    if len(inner) != 1:
        raise ValueError(f"malformed character constant: {text}" if inner else _INVALID)
    return ord(inner)


def _unescape(text: str, quote: str) -> str:
    out = bytearray()
    position = 0
    while position < len(text):
        char = text[position]
        position += 1
        if char != "\\":
            out += char.encode("utf-8", "surrogateescape")
            continue
        piece, position = _escape(text, position, quote)
        out += piece
    return out.decode("utf-8", "surrogateescape")


def _escape(text: str, position: int, quote: str) -> tuple[bytes, int]:
    """What an escape stands for, its backslash passed, and where it ends."""
    mark = text[position : position + 1]
    if mark in _SIMPLE:
        return _SIMPLE[mark].encode(), position + 1
    if mark == quote:
        return mark.encode(), position + 1
    start, (size, base) = position + 1, _NUMBERED.get(mark, (3, 8))
    if mark not in _NUMBERED:
        start = position  # three octal digits
    digits = text[start : start + size]
    try:
        if len(digits) < size or not digits.isalnum():
            raise ValueError(_INVALID)
        code = int(digits, base)
        piece = bytes([code]) if mark not in ("u", "U") else chr(code).encode()
    except ValueError:
        raise ValueError(_INVALID) from None
    return piece, start + size


def number(text: str) -> int | float:
    """An integer, or a floating-point number. Raises ValueError with Go's text."""
    if text.endswith("i"):
        raise ValueError("complex numbers are not supported by runner")
    try:
        return int64(text)
    except ValueError:
        pass
    try:
        value = float.fromhex(text) if "p" in text.lower() else float(text)
    except ValueError:
        raise ValueError(f"illegal number syntax: {go_quote(text)}") from None
    if not any(char in text for char in ".eEpP"):
        raise ValueError(f"integer overflow: {go_quote(text)}")
    return value
