"""Text as Go prints and reads it, for messages that are dockerd's letter for letter."""

from __future__ import annotations

_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}


_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_INT64_DIGITS = 19
_INT64_MAX = 2**63 - 1


def saturating_int(digits: str) -> int:
    """The number that ASCII digits say, at most the largest int64, as strconv has it beside its
    error. Python itself refuses some thousand digits, and takes its time over fewer."""
    significant = digits.lstrip("0") or "0"
    if len(significant) > _INT64_DIGITS:
        return _INT64_MAX
    return min(int(significant), _INT64_MAX)


def format_duration(nanoseconds: int) -> str:
    """A duration as 1h2m3.5s, 1.5s, 20ms, 7µs, 3ns (time.Duration.String). Not negative."""
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < size * 1000:
            return f"{_decimal(nanoseconds, size)}{unit}" if nanoseconds else "0s"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{text}{_decimal(rest, 1_000_000_000)}s"


def _decimal(number: int, size: int) -> str:
    whole, fraction = divmod(number, size)
    digits = f"{fraction:0{len(str(size)) - 1}d}".rstrip("0") if size > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)


def parse_bool(text: str) -> bool:
    """The boolean (strconv.ParseBool). Raises ValueError with Go's words."""
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax") from None


def atoi(text: str) -> int:
    """The number (strconv.Atoi). Raises ValueError with Go's words."""
    return _integer(text, "Atoi")


def parse_int(text: str) -> int:
    """The number (strconv.ParseInt with base 10). Raises ValueError with Go's words."""
    return _integer(text, "ParseInt")


def parse_uint(text: str, bits: int = 64) -> int:
    """The unsigned number (strconv.ParseUint with base 10). Raises ValueError with Go's words."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: invalid syntax")
    if (number := saturating_int(text)) >= 2**bits:
        raise ValueError(f"strconv.ParseUint: parsing {quote(text)}: value out of range")
    return number


def _integer(text: str, function: str) -> int:
    sign = text[:1] if text[:1] in ("+", "-") else ""
    digits = text[len(sign) :]
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"strconv.{function}: parsing {quote(text)}: invalid syntax")
    digits = digits.lstrip("0") or "0"
    if len(digits) > _INT64_DIGITS or (number := int(digits)) > _INT64_MAX:
        raise ValueError(f"strconv.{function}: parsing {quote(text)}: value out of range")
    return -number if sign == "-" else number


def quote(text: str) -> str:
    """The text in double quotes, what cannot be printed escaped (strconv.Quote, `%q`)."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if escaped := _ESCAPES.get(character):
        return escaped
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape carries it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
