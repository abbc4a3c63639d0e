"""Staying in the foreground: for the harness's daemons when started by hand."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def until_signal() -> Iterator[None]:
    """Leave the block in good order at the first signal to end, whenever it comes; a second one
    does not break off the cleaning up."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(0)

    for number in _SIGNALS:
        signal.signal(number, leave)
    with contextlib.suppress(SystemExit):
        yield


def announce_and_wait(**facts: str) -> None:
    """Print NAME=value lines and READY, then sleep until a signal ends it."""
    for name, value in facts.items():
        print(f"{name}={value}")
    print("READY", flush=True)
    signal.pause()
