"""A poll loop small enough to cost nothing: descriptors with callbacks, and timers."""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Callback = Callable[[], None]

READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
WRITABLE = select.POLLOUT | select.POLLERR


class Reactor:
    """Runs callbacks when descriptors are ready, one at a time, until told to stop."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._callbacks: dict[int, tuple[Callback | None, Callback | None]] = {}
        self._timers: list[tuple[float, Callback]] = []

    def watch(self, fd: int, read: Callback | None = None, write: Callback | None = None) -> None:
        """Call these when the descriptor is ready; replaces what was watched on it before."""
        self.forget(fd)
        events = (select.POLLIN if read else 0) | (select.POLLOUT if write else 0)
        if events:
            self._callbacks[fd] = (read, write)
            self._poll.register(fd, events)

    def forget(self, fd: int) -> None:
        """Watch the descriptor no longer; must come before it is closed."""
        if self._callbacks.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def after(self, seconds: float, callback: Callback) -> None:
        """Call once, that many seconds from now."""
        self._timers.append((time.monotonic() + seconds, callback))

    def run(self, done: Callable[[], bool]) -> None:
        """Serve until `done` holds; it is asked after each round."""
        while not done():
            self._serve(self._poll.poll(self._timeout()))
            self._fire()

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        for fd, events in ready:
            read, write = self._callbacks.get(fd, (None, None))
            if read and events & READABLE:
                read()
            elif write and events & WRITABLE:
                write()
            elif events & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                self.forget(fd)

    def _timeout(self) -> float | None:
        """Milliseconds to the next timer, None when there is none."""
        if not self._timers:
            return None
        return max(0.0, min(due for due, _ in self._timers) - time.monotonic()) * 1000 + 1

    def _fire(self) -> None:
        now = time.monotonic()
        due = [timer for timer in self._timers if timer[0] <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for _, callback in due:
            callback()
