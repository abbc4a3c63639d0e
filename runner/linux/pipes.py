"""Looking into a pipe without taking anything out of it (tee(2), splice(2)).

Both are for one reader of a pipe, and for one thread at a time: the event loop's.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
from typing import Final

from runner.linux.libc import LIBC, check

CAPACITY: Final = 1024 * 1024
"""What a pipe may hold at most, and a single look can see (the default of pipe-max-size)."""

_NONBLOCK: Final = 2  # SPLICE_F_NONBLOCK

LIBC.tee.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
LIBC.tee.restype = ctypes.c_ssize_t


def peek(fd: int, size: int) -> bytes:
    """At most `size` bytes of what the pipe holds, b"" at its end.

    Raises BlockingIOError when there are none yet.
    """
    read, write, _ = _helpers()
    copied = check(LIBC.tee(fd, write, size, _NONBLOCK))
    return os.read(read, copied) if copied else b""


def drop(fd: int, size: int) -> None:
    """Take `size` bytes out, which have been looked at."""
    *_, sink = _helpers()
    while size:
        size -= os.splice(fd, sink, size)


@functools.cache
def _helpers() -> tuple[int, int, int]:
    """A pipe to copy through, and a place for what is not wanted. Open as long as we live."""
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    with contextlib.suppress(OSError):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, CAPACITY)
    return read, write, os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
