"""The caller's terminal, and one that must have its size (docker/cli MonitorTtySize)."""

from __future__ import annotations

from runner.cli.context import warn
from runner.client import signals, terminal
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.client.reactor import Reactor

SIGWINCH = signals.SIGWINCH
_TRIES = 10


class TerminalSize:
    """Tells a process's terminal how large ours is."""

    def __init__(self, reactor: Reactor, resize: Callable[[int, int], None]) -> None:
        """`resize` takes rows and columns; it may raise the engine's error."""
        self._reactor = reactor
        self._resize = resize

    def follow(self, tries: int = 0) -> None:
        """Tell the size; the terminal may not be there at once, so try for half a second."""
        if self.tell(*terminal.size()):
            return
        if tries == _TRIES:
            warn("failed to resize tty, using default size")
            return
        self._reactor.after((tries + 1) / 100, lambda: self.follow(tries + 1))

    def tell(self, rows: int, columns: int) -> bool:
        """Tell this size; whether the engine took it. No size at all is none to tell."""
        if not rows and not columns:
            return True
        try:
            self._resize(rows, columns)
        except RunnerError:
            return False
        return True
