"""Signal names and numbers as Docker takes them (moby/sys/signal)."""

from __future__ import annotations

import signal

from runner.types.errors import InvalidParameter
from runner.types.gotext import saturating_int

DEFAULT_STOP_SIGNAL = signal.SIGTERM

_BY_NAME = {
    **{item.name.removeprefix("SIG"): int(item) for item in signal.Signals},
    **{f"RTMIN+{offset}": signal.SIGRTMIN + offset for offset in range(1, 16)},
    **{f"RTMAX-{offset}": signal.SIGRTMAX - offset for offset in range(1, 15)},
}


def parse_signal(text: str) -> int:
    """The number of `KILL`, `sigkill` or `9`. Raises InvalidParameter with dockerd's text."""
    if text.isascii() and text.isdigit():
        number = saturating_int(text)
        if number == 0 or number > signal.SIGRTMAX:
            raise InvalidParameter(f"invalid signal: {text}")
        return number
    number = _BY_NAME.get(text.upper().removeprefix("SIG"), 0)
    if not number:
        raise InvalidParameter(f"invalid signal: {text}")
    return number


def stop_signal(configured: str) -> int:
    """The signal that stops the container; one that cannot be parsed means SIGTERM."""
    try:
        return parse_signal(configured) if configured else int(DEFAULT_STOP_SIGNAL)
    except InvalidParameter:
        return int(DEFAULT_STOP_SIGNAL)
