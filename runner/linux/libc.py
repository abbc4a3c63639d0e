"""The C library, by ctypes. Calls release the GIL; errno is kept per thread."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


def check(result: int, path: str | bytes | None = None) -> int:
    """Hand back what a call returned, or raise OSError when that is -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


def error_text(err: OSError) -> str:
    """The error in Go's words, which users know from dockerd: strerror without its capital."""
    text = os.strerror(err.errno) if err.errno is not None else str(err)
    return text[:1].lower() + text[1:]


def in_fresh_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own that ends with it, and wait.

    For work that leaves its thread changed for good: namespaces, working directory, credentials.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as err:  # handed to the caller
            errors.append(err)

    thread = threading.Thread(target=run, name="fresh")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
