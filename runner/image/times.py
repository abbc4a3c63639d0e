"""Times in image configs: RFC 3339 with up to nine decimals, kept as exactly as Go keeps them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from runner.types.errors import InvalidParameter

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time as seconds and nanoseconds since 1970, and as it is shown."""

    seconds: int
    nanoseconds: int
    shown: str

    @property
    def instant(self) -> tuple[int, int]:
        """For comparing, whatever the offset it is shown with."""
        return self.seconds, self.nanoseconds


def parse(text: str) -> Moment:
    """The moment, shown as Go's time.RFC3339Nano does. Raises InvalidParameter."""
    matched = _RFC3339.fullmatch(text)
    if matched is None:
        raise _invalid(text)
    date, fraction, offset = matched.groups()
    offset = "Z" if offset in {"+00:00", "-00:00"} else offset
    try:
        moment = datetime.fromisoformat(date + offset)
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError) as err:
        raise _invalid(text) from err
    digits = (fraction or "").ljust(9, "0")
    shown = f".{digits.rstrip('0')}" if int(digits) else ""
    return Moment(seconds, int(digits), f"{date}{shown}{offset}")


def from_datetime(moment: datetime) -> str:
    """A time of containerd's, as Go's time.RFC3339Nano."""
    return parse(moment.astimezone(UTC).isoformat().replace("+00:00", "Z")).shown


def _invalid(text: str) -> InvalidParameter:
    return InvalidParameter(f"could not deserialize image config: parsing time {text!r}")
