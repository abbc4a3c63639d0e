"""Programs under a terminal: keys in, screen out, windows resized."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Final, Self

from tests.support.process import HarnessError

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])"
)


class Terminal:
    """A program whose controlling terminal is a new pseudo-terminal that the test holds."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        columns: int = 80,
    ) -> None:
        self._master, terminal = os.openpty()
        self._raw = bytearray()
        self._read_to = 0
        self._set_size(rows, columns)
        # setsid makes the terminal the controlling one without code of ours between fork and exec,
        # which is not safe beside gRPC's threads.
        try:
            self._process = subprocess.Popen(
                ["setsid", "--ctty", "--wait", *command],
                stdin=terminal,
                stdout=terminal,
                stderr=terminal,
                env={**(os.environ if env is None else env), "TERM": "xterm"},
            )
        finally:
            os.close(terminal)

    @property
    def pid(self) -> int:
        """The program's process ID."""
        return self._process.pid

    @property
    def raw(self) -> bytes:
        """All that the program has written so far."""
        self._drain()
        return bytes(self._raw)

    @property
    def text(self) -> str:
        """The same for reading: escape sequences removed, lines ended by a newline only."""
        return plain(self.raw)

    def send(self, keys: str | bytes) -> None:
        """Type. Control-C is "\\x03", the detach keys are "\\x10\\x11"."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self._master, data) :]

    def expect(self, pattern: str, *, seconds: float = 15) -> re.Match[str]:
        """Wait until the pattern occurs in what was not yet expected, and move on behind it."""
        deadline = time.monotonic() + seconds
        while True:
            if match := re.search(pattern, self.text[self._read_to :]):
                self._read_to += match.end()
                return match
            if time.monotonic() > deadline or not self._more(deadline):
                # The end of the program may have come with the last output.
                if match := re.search(pattern, self.text[self._read_to :]):
                    self._read_to += match.end()
                    return match
                raise HarnessError(
                    f"no {pattern!r} on the terminal within {seconds:g} s:\n{self.text}"
                )

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size; the kernel tells the program by SIGWINCH."""
        self._set_size(rows, columns)

    def size(self) -> tuple[int, int]:
        """Rows and columns as the terminal has them now."""
        packed = fcntl.ioctl(self._master, termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, _, _ = struct.unpack("HHHH", packed)
        return rows, columns

    def is_raw(self) -> bool:
        """Whether the program has put the terminal into raw mode (no echo, no line editing)."""
        flags = termios.tcgetattr(self._master)[3]
        return not flags & (termios.ICANON | termios.ECHO)

    def wait(self, *, seconds: float = 30) -> int:
        """Wait for the program's end; its exit status."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            self._more(min(deadline, time.monotonic() + 0.05))
        if self._process.poll() is None:
            raise HarnessError(f"still running after {seconds:g} s:\n{self.text}")
        self._drain()
        return self._process.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def close(self) -> None:
        """Hang up, and end the program when that does not."""
        with contextlib.suppress(OSError):
            os.close(self._master)
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _drain(self) -> None:
        while self._more(time.monotonic()):
            pass

    def _more(self, deadline: float) -> bool:
        """Read once; False when nothing came in time or the other side is closed."""
        remaining = max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([self._master], [], [], remaining)
        if not readable:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last process that had the terminal open is gone
            return False
        self._raw += data
        return bool(data)


def plain(raw: bytes) -> str:
    """Terminal output without escape sequences and carriage returns."""
    return _ESCAPES.sub("", raw.decode(errors="replace")).replace("\r\n", "\n").replace("\r", "\n")
