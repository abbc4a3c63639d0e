"""Numbers, booleans, sizes and durations as Go's strconv, time and docker's go-units read them."""

from __future__ import annotations

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_INT64 = 1 << 63


def boolean(text: str) -> bool:
    """strconv.ParseBool."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax")


def int64(text: str) -> int:
    """strconv.ParseInt with base 0: a prefix 0x, 0o, 0b or 0 chooses the base."""
    magnitude = text[1:] if text[:1] in ("+", "-") else text
    number = _digits(magnitude, "ParseInt", text)
    number = -number if text[:1] == "-" else number
    if not -_INT64 <= number < _INT64:
        raise _out_of_range("ParseInt", text)
    return number


def uint64(text: str) -> int:
    """strconv.ParseUint with base 0."""
    return _unsigned(text, 64)


def uint16(text: str) -> int:
    """strconv.ParseUint with base 0, at most 65535."""
    return _unsigned(text, 16)


def _unsigned(text: str, bits: int) -> int:
    number = _digits(text, "ParseUint", text)
    if number >= 1 << bits:
        raise _out_of_range("ParseUint", text)
    return number


def _digits(magnitude: str, function: str, text: str) -> int:
    base = _BASES.get(magnitude[:2].lower(), 10)
    digits = magnitude[2:] if base != 10 else magnitude
    if base == 10 and magnitude[:1] == "0" and len(magnitude) > 1:
        base, digits = 8, magnitude[1:]
    try:
        if not digits.isascii() or digits[:1] in ("+", "-", " ") or digits.strip() != digits:
            raise ValueError(digits)
        return int(digits.removeprefix("_") if base != 10 else digits, base)
    except ValueError:
        raise ValueError(f"strconv.{function}: parsing {go_quote(text)}: invalid syntax") from None


def _out_of_range(function: str, text: str) -> ValueError:
    return ValueError(f"strconv.{function}: parsing {go_quote(text)}: value out of range")


def port_number(text: str) -> int:
    """strconv.ParseUint with base 10, at most 65535."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"strconv.ParseUint: parsing {go_quote(text)}: invalid syntax")
    if int(text) > 0xFFFF:
        raise _out_of_range("ParseUint", text)
    return int(text)


def decimal_int(text: str) -> int:
    """strconv.Atoi. Raises ValueError with the bare reason ("invalid syntax")."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("invalid syntax")
    if not -_INT64 <= int(text) < _INT64:
        raise ValueError("value out of range")
    return int(text)


def ram_in_bytes(text: str) -> int:
    """go-units RAMInBytes: a size in bytes, with a binary suffix such as k, MB or GiB."""
    end = max((text.rfind(char) for char in "0123456789. "), default=-1)
    if end == -1:
        raise ValueError(f"invalid size: '{text}'")
    number = text[:end] if text[end] == " " else text[: end + 1]
    size = _float(number)
    if size < 0:
        raise ValueError(f"invalid size: '{text}'")
    return int(size * _multiplier(text[end + 1 :]))


def swap_bytes(text: str) -> int:
    """A size, or -1 for unlimited."""
    return -1 if text == "-1" else ram_in_bytes(text)


def _float(text: str) -> float:
    try:
        if not text.isascii() or text.strip() != text or "_" in text:
            raise ValueError(text)
        return float(text)
    except ValueError:
        raise ValueError(f"strconv.ParseFloat: parsing {go_quote(text)}: invalid syntax") from None


def _multiplier(suffix: str) -> int:
    lowered = suffix.lower()
    power = "kmgtp".find(lowered[:1]) + 1 if lowered else 0
    if lowered in ("", "b") or (power and lowered[1:] in ("", "b", "ib")):
        return 1 << 10 * power
    raise ValueError(f"invalid suffix: '{suffix if len(suffix) > 3 else lowered}'")


def duration(text: str) -> int:
    """time.ParseDuration, in nanoseconds: "1m30s", "-1.5h", "0"."""
    quoted = go_quote(text)
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {quoted}")
    total = 0
    while rest:
        whole, rest = _take(rest, "0123456789")
        fraction, rest = _take(rest[1:], "0123456789") if rest[:1] == "." else ("", rest)
        if not whole and not fraction:
            raise ValueError(f"time: invalid duration {quoted}")
        unit, rest = _take_until(rest, "0123456789.")
        if not unit:
            raise ValueError(f"time: missing unit in duration {quoted}")
        if unit not in _NANOSECONDS:
            raise ValueError(f"time: unknown unit {go_quote(unit)} in duration {quoted}")
        scale = _NANOSECONDS[unit]
        total += int(whole or 0) * scale
        total += int(fraction or 0) * scale // int(10 ** len(fraction))
    if total >= _INT64:
        raise ValueError(f"time: invalid duration {quoted}")
    return -total if text[0] == "-" else total


def _take(text: str, alphabet: str) -> tuple[str, str]:
    rest = text.lstrip(alphabet)
    return text[: len(text) - len(rest)], rest


def _take_until(text: str, alphabet: str) -> tuple[str, str]:
    for index, char in enumerate(text):
        if char in alphabet:
            return text[:index], text[index:]
    return text, ""


def nano_cpus(text: str) -> int:
    """A number of CPUs, exact to the billionth: "1.5", "1/2", "1e-3" (docker/cli ParseCPUs)."""
    number, slash, divisor = text.partition("/")
    try:
        top, below = _rational(number)
        if slash:
            other, other_below = _rational(divisor)
            top, below = top * other_below, below * other
        nano, rest = divmod(top * 1_000_000_000, below)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"failed to parse {text} as a rational number") from None
    if rest:
        raise ValueError("value is too precise")
    return nano


def _rational(text: str) -> tuple[int, int]:
    """A decimal as a fraction; ValueError when it is none."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    sign = whole[:1] if whole[:1] in ("+", "-") else ""
    digits = whole[len(sign) :] + fraction
    if not (digits.isascii() and digits.isdigit()) or len(exponent) > 4:
        raise ValueError(text)
    power = (decimal_int(exponent) if "e" in text.lower() else 0) - len(fraction)
    value = int(sign + digits)
    return (value * 10**power, 1) if power >= 0 else (value, int(10**-power))


def go_quote(text: str) -> str:
    """A string as Go's %q shows it."""
    from runner.types.gotext import quote  # few commands say anything that has to be quoted

    return quote(text)
