"""Writing to the caller's stdout and stderr, whole and in order."""

from __future__ import annotations

import os
import select
import sys

from runner.client.errors import ClientError
from runner.client.streams import STDERR, SYSTEM_ERROR

_NAMES = {1: "/dev/stdout", 2: "/dev/stderr"}


class OutputClosed(ClientError):
    """Whoever read our output is gone."""


def write(fd: int, data: bytes) -> None:
    """Write all of it, whatever the descriptor's mode. Raises OutputClosed on a broken pipe."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(fd, select.POLLOUT)
            waiting.poll()
        except BrokenPipeError as err:
            raise OutputClosed(f"write {_NAMES.get(fd, fd)}: broken pipe") from err


def flush() -> None:
    """Bring what was printed before out, ahead of raw writes to the same descriptors."""
    sys.stdout.flush()
    sys.stderr.flush()


def deliver(frames: list[tuple[int, bytes]]) -> None:
    """Write payload where its stream belongs. Raises ClientError on the engine's in-band error."""
    for stream, payload in frames:
        if stream == SYSTEM_ERROR:
            text = payload.decode("utf-8", "replace")
            raise ClientError(f"error from daemon in stream: {text}")
        write(2 if stream == STDERR else 1, payload)
