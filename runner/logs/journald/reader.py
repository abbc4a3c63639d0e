"""Reads a container's entries by journalctl, as dockerd does by libsystemd.

An entry's time is when journald got it: by that the journal is sorted and searched.
Source: moby daemon/logger/journald/read.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from runner.logs.journald import fields
from runner.logs.journald.export import ExportParser
from runner.logs.message import Message
from runner.logs.reader import Window
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

    from runner.logs.journald.driver import JournaldDriver
    from runner.logs.journald.export import Entry
    from runner.logs.reader import ReadConfig

_BLOCK: Final = 64 * 1024
_DRAIN_TIMEOUT: Final = 5.0
"""Seconds that a follower waits for the last entries of a log that was closed: journald may have
dropped them (moby closedDrainTimeout)."""

_MOST_LINES: Final = 2**31 - 1


async def read_journal(
    driver: JournaldDriver, journalctl: Sequence[str], config: ReadConfig
) -> AsyncGenerator[list[Message], None]:
    """The entries that `config` asks for. Raises RunnerError."""
    if config.tail == 0 and not config.follow:
        return
    progress = _Progress(driver, driver.ordinal if config.tail == 0 else 0)
    window = Window(config)
    command = [*journalctl, *_arguments(driver.container_id, config)]
    async with _running(command) as process:
        parser = ExportParser()
        while data := await _next(process, progress, follow=config.follow):
            entries = parser.feed(data)
            progress.note(entries)
            if messages := window.select(list(_messages(entries))):
                yield messages
            if window.passed:
                return
        await _check_status(process)


def _arguments(container_id: str, config: ReadConfig) -> Iterator[str]:
    """What to tell journalctl. The last lines are those before `until`, whatever `since` is."""
    yield from ("--output=export", "--no-pager", "--quiet", "--merge")
    yield f"{fields.CONTAINER_ID_FULL}={container_id}"
    since_ns = config.since_ns or 0
    tail = config.tail if config.tail <= _MOST_LINES else -1
    if config.follow:
        yield "--follow"
        yield f"--lines={tail}" if tail > 0 else "--no-tail"
    elif tail > 0:
        yield f"--lines={tail}"
    if tail == 0:
        since_ns = max(since_ns, time.time_ns())
    if since_ns > 0 and tail <= 0:
        yield f"--since=@{_microseconds(-(-since_ns // 1000))}"
    if config.until_ns is not None and not config.follow:
        yield f"--until=@{_microseconds(max(config.until_ns // 1000, 0))}"


def _microseconds(value: int) -> str:
    return f"{value // 1_000_000}.{value % 1_000_000:06d}"


class _Progress:
    """How far a follower has come with the entries of the log that it follows."""

    def __init__(self, driver: JournaldDriver, seen: int) -> None:
        self._driver = driver
        self._epoch = driver.epoch.encode()
        self._seen = seen
        self.closed = driver.closed

    def note(self, entries: list[Entry]) -> None:
        """These have come."""
        for entry in entries:
            ordinal = entry.get(fields.LOG_ORDINAL, b"")
            if entry.get(fields.LOG_EPOCH) == self._epoch and ordinal.isdigit():
                self._seen = max(self._seen, int(ordinal))

    @property
    def complete(self) -> bool:
        """Whether every entry that was sent has come."""
        return self._seen >= self._driver.ordinal


@contextlib.asynccontextmanager
async def _running(command: Sequence[str]) -> AsyncIterator[Process]:
    """The process; it ends when nobody reads it any more."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as err:
        raise RunnerError(f"cannot read the journal: {err}") from err
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def _next(process: Process, progress: _Progress, *, follow: bool) -> bytes:
    """What comes next, b"" at the end: for a follower, of a log that was closed."""
    assert process.stdout is not None
    if not follow:
        return await process.stdout.read(_BLOCK)
    reading = asyncio.ensure_future(process.stdout.read(_BLOCK))
    closing = asyncio.ensure_future(progress.closed.wait())
    try:
        await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
        if not progress.complete:
            await asyncio.wait({reading}, timeout=_DRAIN_TIMEOUT)
        return reading.result() if reading.done() else b""
    finally:
        for future in (reading, closing):
            future.cancel()
        await asyncio.gather(reading, closing, return_exceptions=True)


async def _check_status(process: Process) -> None:
    """Raises RunnerError when the process has ended of its own and not well."""
    assert process.stdout is not None
    assert process.stderr is not None
    if not process.stdout.at_eof():
        return
    errors = (await process.stderr.read()).decode(errors="replace").strip()
    if await process.wait() != 0 and errors:
        raise RunnerError(f"cannot read the journal: {errors}")


def _messages(entries: list[Entry]) -> Iterator[Message]:
    """The container's records among the entries."""
    for entry in entries:
        stream = fields.STREAMS.get(entry.get(fields.PRIORITY, b""))
        text = entry.get(fields.MESSAGE)
        if stream is None or text is None:
            continue
        partial = entry.get(fields.PARTIAL_MESSAGE) == b"true"
        yield Message(
            text if partial else text + b"\n",
            stream,
            int(entry[fields.REALTIME]) * 1000,
            attrs=_attributes(entry),
        )


def _attributes(entry: Entry) -> dict[str, str]:
    return {
        name: value.decode("utf-8", "replace")
        for name, value in entry.items()
        if not name.startswith("_") and name not in fields.NO_ATTRIBUTES
    }
