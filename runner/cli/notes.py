"""Notes beside a command's output (docker/cli internal/tui)."""

from __future__ import annotations

from runner.client import output, terminal

_PLAIN = " Info -> "
_FANCY = "\x1b[1m\x1b[106m\x1b[30mi\x1b[0m \x1b[96mInfo → \x1b[0m\x1b[0m"
_FANCY_WIDTH = 9


def note(text: str, fd: int) -> None:
    """An indented note, set off from what stands before it."""
    fancy = terminal.is_terminal(fd)
    header, width = (_FANCY, _FANCY_WIDTH) if fancy else (_PLAIN, len(_PLAIN))
    lines = [f"\x1b[3m{line}\x1b[0m" if fancy else line for line in text.split("\n")]
    shown = ("\n" + " " * width).join(lines)
    output.flush()
    output.write(fd, f"\n{header}{shown}\n".encode())


def red(text: str) -> str:
    """In red, also where there is no terminal, as docker has it."""
    return f"\x1b[31m{text}\x1b[0m"


def green(text: str) -> str:
    """In green."""
    return f"\x1b[32m{text}\x1b[0m"
