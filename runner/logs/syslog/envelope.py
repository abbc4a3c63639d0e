"""A line in its syslog envelope: RFC 3164, RFC 5424, and what local syslogs take.

Source: moby daemon/logger/syslog/syslog.go, RackSec/srslog formatter.go and framer.go.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.logs.message import Stream

_ERROR, _INFORMATIONAL = 3, 6  # severities


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything about a message but its text and its time.

    `framed`: the length comes first (RFC 5425), else nothing but the newline tells messages apart.
    """

    format: str
    facility: int
    hostname: str
    tag: str
    framed: bool = False

    def wrap(self, line: bytes, stream: Stream) -> bytes:
        """The message for a line without its newline, dated now."""
        severity = _ERROR if stream == "stderr" else _INFORMATIONAL
        head = FORMATS[self.format](self, datetime.now().astimezone())
        message = (
            f"<{self.facility << 3 | severity}>{head} ".encode(errors="replace") + line + b"\n"
        )
        return b"%d %s" % (len(message), message) if self.framed else message


def _local(envelope: Envelope, now: datetime) -> str:
    """RFC 3164 without the host's name, which a syslog on the same host knows."""
    return f"{_stamp(now)} {envelope.tag}[{os.getpid()}]:"


def _rfc3164(envelope: Envelope, now: datetime) -> str:
    return f"{_stamp(now)} {envelope.hostname} {envelope.tag}[{os.getpid()}]:"


def _rfc5424(envelope: Envelope, now: datetime) -> str:
    return _version_1(envelope, _rfc3339(now, "seconds"))


def _rfc5424_micro(envelope: Envelope, now: datetime) -> str:
    return _version_1(envelope, _rfc3339(now, "microseconds"))


def _version_1(envelope: Envelope, time: str) -> str:
    """The tag is the application's name, too: rsyslog makes its %syslogtag% of that."""
    tag = envelope.tag
    return f"1 {time} {envelope.hostname} {tag} {os.getpid()} {tag} -"


def _stamp(now: datetime) -> str:
    """Go's time.Stamp: `Jan  2 15:04:05`. Not strftime, which speaks the locale's language."""
    month = ("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()[now.month - 1]
    return f"{month} {now.day:2d} {now:%H:%M:%S}"


def _rfc3339(now: datetime, resolution: str) -> str:
    text = now.isoformat(timespec=resolution)
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


FORMATS: Final[dict[str, Callable[[Envelope, datetime], str]]] = {
    "": _local,
    "rfc3164": _rfc3164,
    "rfc5424": _rfc5424,
    "rfc5424micro": _rfc5424_micro,
}
"""By the value of `syslog-format`."""
