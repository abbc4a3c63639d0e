"""Moments that the API gives, as Go's time.Time prints them."""

from __future__ import annotations

ZERO = "0001-01-01T00:00:00Z"


def shown(text: str) -> str:
    """RFC 3339 in the manner of Time.String: 2026-01-02 15:04:05.5 +0000 UTC."""
    date, _, clock = (text or ZERO).partition("T")
    if clock.endswith("Z"):
        return f"{date} {clock[:-1]} +0000 UTC"
    zone = clock[-6:].replace(":", "")
    # Go names a zone only where it is the local one.
    return f"{date} {clock[:-6]} {zone} {zone}"


def seconds(text: str) -> float:
    """RFC 3339 as seconds since the epoch."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def rfc3339(nanoseconds: int) -> str:
    """A moment in local time with nine digits behind the point: 2026-01-02T15:04:05.000000001Z."""
    import time

    whole, fraction = divmod(nanoseconds, 1_000_000_000)
    local = time.localtime(whole)
    offset = local.tm_gmtoff
    sign, minutes = ("-", -offset // 60) if offset < 0 else ("+", offset // 60)
    zone = f"{sign}{minutes // 60:02}:{minutes % 60:02}" if offset else "Z"
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{fraction:09}{zone}"
