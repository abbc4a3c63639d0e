"""Reads a log file back: rotated files, then the present one, then what is still to come.

Blocks of bounded size are read and decoded in threads. A file that has become unreadable somewhere
is given up there, and the next one read.
Source: moby daemon/logger/loggerutils/logfile.go, follow.go; pkg/tailfile.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import tempfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from runner.logs.compress import decompress, last_time
from runner.logs.worker import in_worker
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner.logs.codec import Codec
    from runner.logs.follower import Follower
    from runner.logs.logfile import LogFile, Position
    from runner.logs.message import Message

log = logging.getLogger(__name__)

_BLOCK: Final = 128 * 1024
"""Read at once. A record of 16 KiB is at most six times as long when escaped, so one fits."""


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """What to read: from the first record at or after `since_ns` to the last at or before
    `until_ns`, of that the last `tail` lines of the stored log (negative: all), then new ones.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    tail: int = -1
    follow: bool = False


async def read_logs(file: LogFile, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
    """The records that `config` asks for, a block at a time. Raises RunnerError."""
    async with contextlib.AsyncExitStack() as stack:
        # Opened without awaiting between, so that no rotation can come between either.
        current = stack.enter_context(_opened(file.path))
        position = file.position
        older = _open_rotated(file, stack) if config.tail != 0 else []
        phases = []
        if config.tail < 0:
            phases.append(_everything(file.codec, older, current, position.size, config.since_ns))
        elif config.tail > 0:
            phases.append(_last_lines(file.codec, older, current, position.size, config))
        if config.follow and not file.closed:
            phases.append(_follow(file, stack.enter_context(file.followed()), position))
        window = Window(config)
        for phase in phases:
            blocks = await stack.enter_async_context(contextlib.aclosing(phase))
            async for messages in blocks:
                if wanted := window.select(messages):
                    yield wanted
                if window.passed:
                    return


class Window:
    """since and until (moby's forwarder). Records need not be in the order of their times."""

    def __init__(self, config: ReadConfig) -> None:
        self._since = config.since_ns
        self._until = config.until_ns
        self.passed = False

    def select(self, messages: list[Message]) -> list[Message]:
        """The records inside. Once one is at or after `since`, `since` is forgotten; the first one
        after `until` ends the reading."""
        if self._since is not None:
            messages = self._skip(messages, self._since)
        if self._until is None:
            return messages
        for index, message in enumerate(messages):
            if message.timestamp_ns > self._until:
                self.passed = True
                return messages[:index]
        return messages

    def _skip(self, messages: list[Message], since: int) -> list[Message]:
        for index, message in enumerate(messages):
            if message.timestamp_ns >= since:
                self._since = None
                return messages[index:]
        return []


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as err:
        raise RunnerError(str(err)) from err


def _open_rotated(file: LogFile, stack: contextlib.AsyncExitStack) -> list[BinaryIO]:
    """The older files, oldest first."""
    files: list[BinaryIO] = []
    for number in range(file.rotation.max_files - 1, 0, -1):
        for path in (file.numbered(number), file.numbered(number, ".gz")):
            with contextlib.suppress(FileNotFoundError):
                files.append(stack.enter_context(path.open("rb")))
                break
    return files


async def _everything(
    codec: Codec, older: list[BinaryIO], current: BinaryIO, size: int, since_ns: int | None
) -> AsyncGenerator[list[Message], None]:
    for file in older:
        with _plain_copy() as copy:
            plain = await in_worker(_plain, file, copy, since_ns)
            async for messages in _section(codec, plain, 0, _size(plain)):
                yield messages
    async for messages in _section(codec, current, 0, size):
        yield messages


async def _last_lines(
    codec: Codec, older: list[BinaryIO], current: BinaryIO, size: int, config: ReadConfig
) -> AsyncGenerator[list[Message], None]:
    """The last lines of all files together; as few files are opened as have them."""
    with contextlib.ExitStack() as stack:
        start, found = await in_worker(_tail_start, codec, current, size, config.tail)
        sections = [(current, start, size)]
        for file in reversed(older):
            if found >= config.tail:
                break
            copy = stack.enter_context(_plain_copy())
            plain = await in_worker(_plain, file, copy, config.since_ns)
            end = _size(plain)
            start, lines = await in_worker(_tail_start, codec, plain, end, config.tail - found)
            found += lines
            sections.append((plain, start, end))
        for section in reversed(sections):
            async for messages in _section(codec, *section):
                yield messages


def _tail_start(codec: Codec, file: BinaryIO, end: int, lines: int) -> tuple[int, int]:
    """Where the file's last `lines` lines start; nothing of a damaged file (moby getTailFiles)."""
    try:
        return codec.tail(file, end, lines)
    except ValueError as err:
        log.warning("error scanning log file for tail file request, skipping: %s", err)
        return end, 0


async def _follow(
    file: LogFile, follower: Follower, position: Position
) -> AsyncGenerator[list[Message], None]:
    """What is written after `position`, across rotations, until the file is closed."""
    missed = 0
    while await file.moved(position):
        position = file.position
        for segment in follower.segments():
            end = file.position.size if segment.end is None else segment.end
            async for messages in _section(file.codec, segment.file, segment.start, end):
                yield messages
            segment.start = end
        if follower.missed > missed:
            log.warning(
                "%s: file rotations were missed while following logs; some log messages have been "
                "skipped over (%d)",
                file.path,
                follower.missed - missed,
            )
            missed = follower.missed


async def _section(
    codec: Codec, file: BinaryIO, start: int, end: int
) -> AsyncGenerator[list[Message], None]:
    """The records between two offsets."""
    read = functools.partial(_read_records, codec, file)
    block = _BLOCK
    while start < end:
        try:
            messages, after = await in_worker(read, start, min(start + block, end), end)
        except ValueError as err:
            log.warning("error decoding log file: %s", err)
            return
        block = _BLOCK if after > start else block * 2
        start = after
        if messages:
            yield messages


def _read_records(
    codec: Codec, file: BinaryIO, start: int, stop: int, end: int
) -> tuple[list[Message], int]:
    """The records that lie wholly in [start, stop), and where the next one starts."""
    data = os.pread(file.fileno(), stop - start, start)
    messages, taken = codec.decode(data, last=stop == end)
    if stop == end and not messages:
        return [], end  # what is left is torn, or somebody has truncated the file
    return messages, start + taken


def _plain_copy() -> BinaryIO:
    """A nameless file for what a compressed log file holds."""
    return cast(BinaryIO, tempfile.TemporaryFile(prefix="runner-log-"))


def _plain(file: BinaryIO, copy: BinaryIO, since_ns: int | None) -> BinaryIO:
    """The file itself or, if it is compressed, `copy` with its content.

    The copy stays empty when the file ends before `since_ns`. Raises RunnerError.
    """
    if not str(file.name).endswith(".gz"):
        return file
    ended = last_time(file)
    if since_ns is None or ended is None or ended >= since_ns:
        try:
            decompress(file, copy)
        except (OSError, EOFError, zlib.error) as err:
            raise RunnerError(f"error opening rotated log files: {err}") from err
        copy.flush()
    return copy


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size
