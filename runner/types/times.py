"""Go's RFC3339Nano, the wire's time format, and the zero time.

Times are kept as strings with nanoseconds, since Python's datetime ends at microseconds.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time, the wire's "never"."""

_NANOSECONDS = 1_000_000_000


def format_ns(timestamp_ns: int) -> str:
    """Nanoseconds since the epoch as RFC3339Nano in UTC: trailing zeros of the fraction dropped."""
    seconds, fraction = divmod(timestamp_ns, _NANOSECONDS)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    digits = f"{fraction:09d}".rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def format_local_ns(timestamp_ns: int) -> str:
    """The same in the machine's own time zone, as Go prints times of files."""
    seconds, fraction = divmod(timestamp_ns, _NANOSECONDS)
    offset = time.localtime(seconds).tm_gmtoff
    shifted = format_ns((seconds + offset) * _NANOSECONDS + fraction)
    if not offset:
        return shifted
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{shifted.removesuffix('Z')}{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def now() -> str:
    """The present as RFC3339Nano."""
    return format_ns(time.time_ns())


def parse_ns(text: str) -> int:
    """Nanoseconds since the epoch; negative for times before it, the zero time among them.

    Raises ValueError when `text` is not RFC3339.
    """
    whole, _, rest = text.partition(".")
    if not rest:
        return int(datetime.fromisoformat(text).timestamp()) * _NANOSECONDS
    digits = rest.rstrip("Zz")
    for sign in "+-":
        digits = digits.partition(sign)[0]
    zone = rest[len(digits) :]
    seconds = int(datetime.fromisoformat(whole + (zone or "Z")).timestamp())
    return seconds * _NANOSECONDS + int(digits[:9].ljust(9, "0"))


def to_local_seconds(text: str) -> str:
    """RFC3339Nano as RFC3339 in the host's time zone, without the fraction (as for volumes)."""
    moment = datetime.fromtimestamp(parse_ns(text) // _NANOSECONDS).astimezone()
    return moment.isoformat().replace("+00:00", "Z")


def from_datetime(moment: datetime) -> str:
    """A datetime as RFC3339Nano in UTC."""
    moment = moment.astimezone(UTC)
    seconds = int(moment.replace(microsecond=0).timestamp())
    return format_ns(seconds * _NANOSECONDS + moment.microsecond * 1000)
