"""Signals as something to read, so that they can be sent on to the container."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any

    from runner.client.reactor import Reactor
else:
    import _signal  # what `signal` wraps in enums, at the price of `enum`

SIGWINCH = int(_signal.SIGWINCH)
TERMINATION = (int(_signal.SIGINT), int(_signal.SIGTERM))
"""What asks a command to end."""
_NEVER = frozenset(
    {
        _signal.SIGKILL,
        _signal.SIGSTOP,
        # never forwarded (docker/cli ForwardAllSignals)
        _signal.SIGCHLD,
        _signal.SIGPIPE,
        _signal.SIGURG,
        # raised by the machine when this process itself is broken
        _signal.SIGSEGV,
        _signal.SIGBUS,
        _signal.SIGFPE,
        _signal.SIGILL,
    }
)
_NAMES: dict[int, str] = {
    int(number): name[3:]
    for name, number in vars(_signal).items()
    if name.startswith("SIG") and not name.startswith("SIG_") and isinstance(number, int)
}


def signal_name(number: int) -> str:
    """The name without SIG, as `docker kill` takes it: INT, RTMIN+1."""
    if _signal.SIGRTMIN < number < _signal.SIGRTMAX:
        return f"RTMIN+{number - _signal.SIGRTMIN}"
    return _NAMES.get(number, str(number))


class SignalCatcher:
    """Catches every signal that can be forwarded, from `start` to `stop`."""

    def __init__(self, reactor: Reactor, handle: Callable[[int], None]) -> None:
        self._reactor = reactor
        self._handle = handle
        self._previous: dict[int, Any] = {}
        self._pipe = (-1, -1)

    def start(self, numbers: set[int] | None = None) -> None:
        """Catch these signals, all that can be forwarded when none are named."""
        self._pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        _signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        for number in sorted(numbers or set(range(1, _signal.NSIG)) - _NEVER):
            try:
                self._previous[number] = _signal.signal(number, _ignore)
            except (OSError, ValueError):
                continue  # glibc keeps 32 and 33 for itself
        self._reactor.watch(self._pipe[0], read=self._read)

    def stop(self) -> None:
        """Give the signals back; safe to call when not started."""
        if self._pipe[0] < 0:
            return
        for number, handler in self._previous.items():
            _signal.signal(number, handler)
        _signal.set_wakeup_fd(-1)
        self._reactor.forget(self._pipe[0])
        for fd in self._pipe:
            os.close(fd)
        self._pipe = (-1, -1)

    def _read(self) -> None:
        for number in os.read(self._pipe[0], 4096):
            self._handle(number)


def _ignore(_number: int, _frame: object) -> None:
    """The wake-up descriptor has told already."""
