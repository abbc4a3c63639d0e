"""Dates on the command line: RFC 3339 and its shortenings, local time where no zone is given.

Apart from its callers for what it imports: few command lines name a date.
"""

from __future__ import annotations

import datetime

_LENGTHS = {
    len("2006-01-02"): "%Y-%m-%d",
    len("2006-01-02T15"): "%Y-%m-%dT%H",
    len("2006-01-02T15:04"): "%Y-%m-%dT%H:%M",
    len("2006-01-02T15:04:05"): "%Y-%m-%dT%H:%M:%S",
}


def parse(text: str) -> str:
    """Seconds since the epoch with nine digits behind the point.

    Raises ValueError when the text is no date.
    """
    main, fraction, zone = _split(text)
    if len(main) not in _LENGTHS:
        raise ValueError(f'failed to parse value as time or duration: "{text}"')
    # The zone is applied below: none means the caller's own.
    moment = datetime.datetime.strptime(main, _LENGTHS[len(main)])  # noqa: DTZ007
    moment = moment.replace(tzinfo=_zone(zone)) if zone else moment.astimezone()
    return f"{int(moment.timestamp())}.{fraction:0<9.9}"


def _split(text: str) -> tuple[str, str, str]:
    """Date and time, fraction, zone."""
    zone = ""
    if text.endswith("Z"):
        text, zone = text[:-1], "Z"
    elif len(text) > 16 and text[-6] in "+-" and text[-3] == ":":
        text, zone = text[:-6], text[-6:]
    main, _, fraction = text.partition(".")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f'cannot parse "{text}"')
    return main, fraction or "0", zone


def _zone(text: str) -> datetime.timezone:
    if text == "Z":
        return datetime.UTC
    offset = datetime.timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return datetime.timezone(offset if text[0] == "+" else -offset)
