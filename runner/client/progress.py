"""What a pull, load or import tells while it works (docker's jsonmessage).

On a terminal each layer has its line with a bar, redrawn in place; elsewhere only changes of
state are printed, a line each.
"""

from __future__ import annotations

import os
import time

from runner.client import jsontext, output
from runner.client.errors import ClientError
from runner.client.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    OnAux = Callable[[dict[str, Any]], None]

_UP, _DOWN, _CLEAR = "\x1b[%dA", "\x1b[%dB", "\x1b[2K"


def display(chunks: Iterator[bytes], fd: int, on_aux: OnAux | None = None) -> None:
    """Show a stream of messages on `fd`; `on_aux` gets what is not for showing.

    Raises the error that the stream ends with.
    """
    screen = _Screen(fd)
    try:
        for message in jsontext.documents(chunks):
            if on_aux is not None and message.get("aux") is not None:
                on_aux(message["aux"])
                continue
            screen.show(message)
    except ValueError as err:
        raise ClientError(f"invalid message in the engine's stream: {err}") from err


class StreamFailed(ClientError):
    """The engine's work failed after its answer had begun; shown without the daemon's prefix."""


def raise_error(message: dict[str, Any]) -> None:
    """Raise what a message says went wrong, if anything did."""
    detail = message.get("errorDetail")
    if detail is None:
        return
    if detail.get("code") == 401:
        raise StreamFailed("authentication is required")
    raise StreamFailed(str(detail.get("message", "")))


class _Screen:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._terminal = os.isatty(fd)
        self._lines: dict[str, int] = {}

    def show(self, message: dict[str, Any]) -> None:
        raise_error(message)
        if "status" not in message and "stream" not in message and "id" not in message:
            return  # auxiliary data, for programs
        identity = message.get("id", "")
        bar = _bar(message.get("progressDetail") or {}, self._width())
        moving = bool(message.get("progressDetail") or message.get("progress"))
        text, up = "", 0
        if identity and moving:
            if identity not in self._lines:
                self._lines[identity] = len(self._lines)
                text += "\n" if self._terminal else ""
            up = len(self._lines) - self._lines[identity]
        else:
            self._lines = {}
        body = self._body(message, identity, bar, moving)
        if self._terminal and identity and up:
            text += _UP % up + body + _DOWN % up
        else:
            text += body
        output.write(self._fd, text.encode())

    def _body(self, message: dict[str, Any], identity: str, bar: str, moving: bool) -> str:
        label = f"{identity}: " if identity else ""
        if "stream" in message:
            return label + str(message["stream"])
        status = str(message.get("status", ""))
        if not moving:
            return f"{label}{status}\n"
        if self._terminal:
            return f"{_CLEAR}\r\r{label}{status} {bar}\r"
        return "" if bar else f"{label}{status}\n"

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._fd).columns
        except OSError:
            return 200


def _bar(detail: dict[str, Any], width: int) -> str:
    """`[=====>     ]  3.1MB/4MB 2s`, as much of it as the width allows."""
    current, total = int(detail.get("current", 0)), int(detail.get("total", 0))
    if current <= 0 and total <= 0:
        return ""
    unit = detail.get("units", "")
    if total <= 0:
        return f"{current} {unit}" if unit else f"{human_size(current):>8}"
    half = min(int(current / total * 100) // 2, 50)
    box = f"[{'=' * half}>{' ' * (50 - half)}] " if width > 110 else ""
    return box + _numbers(detail, current, total, unit) + _time_left(detail, half, width)


def _numbers(detail: dict[str, Any], current: int, total: int, unit: str) -> str:
    if detail.get("hidecounts"):
        return ""
    if unit:
        return f"{current} {unit}" if current > total else f"{current}/{total} {unit}"
    shown = f"{human_size(current):>8}"
    return shown if current > total else f"{shown}/{human_size(total)}"


def _time_left(detail: dict[str, Any], half: int, width: int) -> str:
    start, current = int(detail.get("start", 0)), int(detail.get("current", 0))
    if width <= 50 or current <= 0 or start <= 0 or half >= 50:
        return ""
    left = (int(detail["total"]) - current) * (time.time() - start) / current
    minutes, seconds = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f" {hours}h{minutes}m{seconds}s"
    return f" {minutes}m{seconds}s" if minutes else f" {seconds}s"


def drain(chunks: Iterator[bytes], on_aux: OnAux | None = None) -> None:
    """Read a stream of messages to its end without showing it. Raises as `display` does."""
    for message in jsontext.documents(chunks):
        raise_error(message)
        if on_aux is not None and message.get("aux") is not None:
            on_aux(message["aux"])
