"""The caller's terminal: raw mode, size, detach keys (moby/term)."""

from __future__ import annotations

import os
import termios

from runner.client.errors import ClientError

DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q"
_CONTROL = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31} | {
    chr(ord("a") + index): index + 1 for index in range(26)
}


def is_terminal(fd: int) -> bool:
    """Whether the descriptor is a terminal; a closed one is not."""
    return os.isatty(fd)


def size(fd: int = 1) -> tuple[int, int]:
    """Rows and columns, (0, 0) where there is no terminal."""
    try:
        columns, lines = os.get_terminal_size(fd)
    except OSError:
        return 0, 0
    return lines, columns


class RawMode:
    """Raw mode of a terminal from `enter` to `leave` (cfmakeraw(3)); `leave` may be repeated."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved: list[int | list[bytes | int]] | None = None

    def enter(self) -> None:
        """Set the mode; nothing happens on what is not a terminal."""
        if not is_terminal(self._fd):
            return
        self._saved = termios.tcgetattr(self._fd)
        mode = termios.tcgetattr(self._fd)
        mode[0] &= ~(
            termios.IGNBRK
            | termios.BRKINT
            | termios.PARMRK
            | termios.ISTRIP
            | termios.INLCR
            | termios.IGNCR
            | termios.ICRNL
            | termios.IXON
        )
        mode[1] &= ~termios.OPOST
        mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        mode[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN] = 1
        mode[6][termios.VTIME] = 0
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)

    def leave(self) -> None:
        """Put the terminal back as it was found."""
        saved, self._saved = self._saved, None
        if saved is not None:
            termios.tcsetattr(self._fd, termios.TCSANOW, saved)


class NoEcho:
    """A terminal that does not show what is typed, while the block goes on."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> None:
        self._saved = termios.tcgetattr(self._fd)
        mode = termios.tcgetattr(self._fd)
        mode[3] &= ~termios.ECHO
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)

    def __exit__(self, *_: object) -> None:
        termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)


def parse_detach_keys(keys: str) -> bytes:
    """The bytes of a comma-separated sequence such as "ctrl-p,q" (moby/term ToBytes).

    Raises ClientError on an unknown key.
    """
    codes = []
    for key in keys.split(","):
        if len(key) == 1:
            codes.append(ord(key))
        elif key.startswith("ctrl-") and key[5:].lower() in _CONTROL:
            codes.append(_CONTROL[key[5:].lower()])
        elif key == "DEL":
            codes.append(127)
        else:
            raise ClientError(f"Unknown character: '{key}'")
    if max(codes) > 255:
        raise ClientError(f"Unknown character: '{keys}'")
    return bytes(codes)


class DetachKeys:
    """Finds the detach sequence in what is typed; holds a partial match back until it is decided.

    A failed match is passed on whole and matching starts afresh behind it, as moby's escape proxy
    does: with ctrl-p,ctrl-q the keys ctrl-p ctrl-p ctrl-q do not detach.
    """

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._matched = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What to pass on, and whether the sequence is complete; the rest is then dropped."""
        out = bytearray()
        for code in data:
            if code == self._keys[self._matched]:
                self._matched += 1
                if self._matched == len(self._keys):
                    return bytes(out), True
                continue
            out += self._keys[: self._matched]
            out.append(code)
            self._matched = 0
        return bytes(out), False
