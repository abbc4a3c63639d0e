"""What is looked at in a pipe stays there until it is dropped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.linux.pipes import drop, peek

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


def test_looking_twice(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.write(write, b"abc" * 1000)
    assert peek(read, 65536) == peek(read, 65536) == b"abc" * 1000
    assert peek(read, 4) == b"abca"
    drop(read, 2999)
    assert peek(read, 65536) == b"c"
    assert os.read(read, 10) == b"c"


def test_an_empty_pipe_and_an_ended_one(pipe: tuple[int, int]) -> None:
    read, write = pipe
    with pytest.raises(BlockingIOError):
        peek(read, 1)
    os.write(write, b"x")
    os.close(write)
    assert peek(read, 9) == b"x"
    drop(read, 1)
    assert peek(read, 9) == b""


def test_a_full_pipe_of_many_writes(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(write, False)
    written = 0
    with pytest.raises(BlockingIOError):
        while True:
            written += os.write(write, b"%07d\n" % (written % 10**6))
    seen = b""
    while len(seen) < written:
        data = peek(read, 65536)
        drop(read, len(data))
        seen += data
    assert len(seen) == written
    with pytest.raises(BlockingIOError):
        peek(read, 1)
