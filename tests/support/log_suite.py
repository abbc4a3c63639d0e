"""What every log that can be read has to do, whatever driver keeps it.

    @pytest.mark.parametrize("check", CHECKS, ids=name_of)
    async def test_...(check, open_log): await check(Log(open_log))

Times are taken from what was read: the journal has its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from runner.logs import Batch, LineSplitter, ReadConfig
from runner.logs.copier import RECORD_SIZE
from tests.support.process import HarnessError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.logs import LogDriver, Message
    from runner.logs.message import Stream

_SECONDS: Final = 20
SECOND: Final = 1_000_000_000


class Log:
    """One container's log, and what has been written to it."""

    def __init__(self, opener: Callable[[], Awaitable[LogDriver]]) -> None:
        self._opener = opener
        self._opened: list[LogDriver] = []
        self.time = 1_700_000_000 * SECOND
        self.written: list[tuple[Stream, bytes]] = []

    async def open(self) -> LogDriver:
        """A driver for it, closed at the end."""
        driver = await self._opener()
        self._opened.append(driver)
        return driver

    async def close(self) -> None:
        """Close all that was opened."""
        for driver in self._opened:
            await driver.close()

    async def say(self, driver: LogDriver, *lines: bytes, stream: Stream = "stdout") -> None:
        """Write lines, each at a time of its own."""
        for line in lines:
            self.time += SECOND
            self.written.append((stream, line))
            await driver.write(Batch(line, stream, self.time))

    async def has(self, driver: LogDriver, count: int) -> list[Message]:
        """Everything, once there are so many messages: the journal takes a moment."""
        messages: list[Message] = []
        for _ in range(_SECONDS * 50):
            if len(messages := await read(driver)) >= count:
                return messages
            await asyncio.sleep(0.02)
        raise HarnessError(f"{count} messages were written, the log has {messages}")


async def read(driver: LogDriver, **config: Any) -> list[Message]:
    """All messages that the settings of ReadConfig ask for."""
    async with asyncio.timeout(_SECONDS):
        async with contextlib.aclosing(driver.read(ReadConfig(**config))) as blocks:
            return [message async for block in blocks for message in block]


def lines(messages: list[Message]) -> list[bytes]:
    """The messages' lines."""
    return [message.line for message in messages]


class Follower:
    """Reads with `follow` in the background; what has come can be awaited."""

    def __init__(self, driver: LogDriver, **config: Any) -> None:
        self.got: list[Message] = []
        self._came = asyncio.Condition()
        self.task = asyncio.create_task(self._run(driver, ReadConfig(follow=True, **config)))

    async def _run(self, driver: LogDriver, config: ReadConfig) -> None:
        async with contextlib.aclosing(driver.read(config)) as blocks:
            async for block in blocks:
                async with self._came:
                    self.got += block
                    self._came.notify_all()

    async def has(self, count: int) -> None:
        """Wait for so many messages."""
        async with asyncio.timeout(_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.got) >= count)

    async def ended(self) -> list[bytes]:
        """Wait for its end; the lines that it has got."""
        async with asyncio.timeout(_SECONDS):
            await self.task
        return lines(self.got)


async def check_what_is_written_comes_back(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"out\n", "é€\t\r\x1b\n".encode(), b"\n")
    await log.say(driver, b"err\n", stream="stderr")
    messages = await log.has(driver, 4)
    assert [(message.stream, message.line) for message in messages] == log.written
    assert lines(await read(driver)) == lines(messages)


async def check_a_log_that_is_empty(log: Log) -> None:
    driver = await log.open()
    assert await read(driver) == []
    assert await read(driver, tail=3) == []
    follower = Follower(driver)
    await driver.close()
    assert await follower.ended() == []


async def check_lines_of_one_moment(log: Log) -> None:
    driver = await log.open()
    many = [b"%d\n" % number for number in range(300)]
    await log.say(driver, b"".join(many))
    assert lines(await log.has(driver, 300)) == many


async def check_long_lines_come_in_parts_and_are_whole_again(log: Log) -> None:
    driver = await log.open()
    long = b"x" * (2 * RECORD_SIZE + 100) + b"\n"
    splitter = LineSplitter("stdout")
    for batch in [*splitter.feed(b"before\n" + long + b"after\nand no end"), *splitter.flush()]:
        await driver.write(batch)
    messages = await log.has(driver, 6)
    assert [len(line) for line in lines(messages)] == [7, RECORD_SIZE, RECORD_SIZE, 101, 6, 10]
    assert b"".join(lines(messages)) == b"before\n" + long + b"after\nand no end"


async def check_tail(log: Log) -> None:
    driver = await log.open()
    said = [b"%d\n" % number for number in range(10)]
    await log.say(driver, *said)
    await log.has(driver, 10)
    for count in (0, 1, 9, 10, 11):
        assert lines(await read(driver, tail=count)) == (said[-count:] if count else [])
    assert lines(await read(driver, tail=-1)) == said


async def check_since_and_until(log: Log) -> None:
    driver = await log.open()
    said = [b"%d\n" % number for number in range(6)]
    for count, line in enumerate(said, start=1):
        await log.say(driver, line)
        await log.has(driver, count)  # so that the journal gives each a time of its own
    times = [message.timestamp_ns for message in await read(driver)]
    assert lines(await read(driver, since_ns=times[2])) == said[2:]
    assert lines(await read(driver, since_ns=times[2] + 1)) == said[3:]
    assert lines(await read(driver, until_ns=times[2])) == said[:3]
    assert lines(await read(driver, until_ns=times[2] - 1)) == said[:2]
    assert lines(await read(driver, since_ns=times[1], until_ns=times[4])) == said[1:5]
    assert lines(await read(driver, since_ns=times[5] + SECOND)) == []
    assert lines(await read(driver, until_ns=times[0] - SECOND)) == []
    assert lines(await read(driver, since_ns=times[4], tail=4)) == said[4:]
    assert lines(await read(driver, since_ns=times[1], tail=2)) == said[4:]


async def check_follow_from_the_start(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"a\n", b"b\n")
    await log.has(driver, 2)
    follower = Follower(driver)
    await follower.has(2)
    await log.say(driver, b"c\n")
    await follower.has(3)
    await log.say(driver, b"d\n", b"e\n")
    await driver.close()
    assert await follower.ended() == [b"a\n", b"b\n", b"c\n", b"d\n", b"e\n"]


async def check_follow_with_tail(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"a\n", b"b\n", b"c\n")
    await log.has(driver, 3)
    follower = Follower(driver, tail=1)
    await follower.has(1)
    await log.say(driver, b"d\n")
    await follower.has(2)
    await driver.close()
    assert await follower.ended() == [b"c\n", b"d\n"]


async def check_follow_of_what_is_new(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"old\n")
    await log.has(driver, 1)
    follower = Follower(driver, tail=0)
    said: list[bytes] = []
    while not follower.got and len(said) < _SECONDS * 20:
        said.append(b"new %d\n" % len(said))
        await log.say(driver, said[-1])
        await asyncio.sleep(0.05)
    await driver.close()
    got = await follower.ended()
    assert got
    assert got == said[-len(got) :]


async def check_follow_until(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"a\n")
    (message,) = await log.has(driver, 1)
    follower = Follower(driver, until_ns=message.timestamp_ns)
    await follower.has(1)
    await log.say(driver, b"b\n")
    assert await follower.ended() == [b"a\n"]


async def check_a_follower_that_leaves(log: Log) -> None:
    driver = await log.open()
    await log.say(driver, b"a\n")
    await log.has(driver, 1)
    follower = Follower(driver)
    await follower.has(1)
    follower.task.cancel()
    await asyncio.wait({follower.task})
    await log.say(driver, b"b\n")
    assert lines(await log.has(driver, 2)) == [b"a\n", b"b\n"]


async def check_a_log_that_goes_on(log: Log) -> None:
    first = await log.open()
    await log.say(first, b"first run\n")
    await log.has(first, 1)
    await first.close()
    await first.close()
    stopped = await log.open()
    assert lines(await read(stopped)) == [b"first run\n"]
    await stopped.close()
    second = await log.open()
    follower = Follower(second, tail=0)
    await log.say(second, b"second run\n")
    assert lines(await log.has(second, 2)) == [b"first run\n", b"second run\n"]
    await second.close()
    assert b"first run\n" not in await follower.ended()


CHECKS: Final = [value for name, value in list(globals().items()) if name.startswith("check_")]


def name_of(check: Callable[[Log], Awaitable[None]]) -> str:
    """The test's name."""
    return getattr(check, "__name__", "").removeprefix("check_")
