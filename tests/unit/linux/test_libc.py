"""Errors in Go's words, and threads that may be spoilt."""

import errno
import os
import threading

import pytest

from runner.linux.libc import error_text, in_fresh_thread


def test_errors_read_as_gos() -> None:
    assert error_text(OSError(errno.ENOENT, "whatever")) == "no such file or directory"
    assert error_text(OSError("odd")) == "odd"


def test_a_fresh_thread_returns_and_raises() -> None:
    assert in_fresh_thread(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        in_fresh_thread(lambda: 1 // 0)


def test_a_fresh_thread_ends() -> None:
    before = threading.active_count()
    in_fresh_thread(os.getpid)
    assert threading.active_count() == before
