"""Streams over real FIFOs: nothing is lost, nobody waits for ever."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runner.engine.fifo import FifoSet
from runner.engine.stdio import Streams
from runner.logs import Batch
from runner.logs.none import NoneDriver
from runner.types.errors import RunnerError


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    streams = Streams()
    yield streams
    await streams.end()


def fifos_in(directory: Path, *, stdin: bool = False, tty: bool = False) -> FifoSet:
    fifos = FifoSet.named(directory, "init", stdin=stdin, tty=tty)
    fifos.make()
    return fifos


def write_from_thread(path: str, data: bytes) -> asyncio.Future[None]:
    """As a shim does: open, write all, close."""

    def write() -> None:
        with open(path, "wb", buffering=0) as fifo:
            view = memoryview(data)
            while view:
                view = view[fifo.write(view) :]

    return asyncio.ensure_future(asyncio.to_thread(write))


def test_a_terminal_has_no_stderr(tmp_path: Path) -> None:
    fifos = fifos_in(tmp_path, tty=True)
    assert (fifos.stderr, fifos.stdin) == ("", "")
    assert sorted(os.listdir(tmp_path)) == ["init-stdout"]


async def test_output_reaches_every_client_and_only_what_it_wants(
    streams: Streams, tmp_path: Path
) -> None:
    both = streams.subscribe(stdout=True, stderr=True)
    errors = streams.subscribe(stdout=False, stderr=True)
    fifos = fifos_in(tmp_path)
    streams.open_outputs(fifos, None)
    await asyncio.gather(
        write_from_thread(fifos.stdout, b"out"), write_from_thread(fifos.stderr, b"err")
    )
    assert await streams.drained(5)
    await streams.end()
    assert {await both.read(), await both.read()} == {(1, b"out"), (2, b"err")}
    assert await both.read() is None
    assert [await errors.read(), await errors.read()] == [(2, b"err"), None]


async def test_a_reader_that_is_early_sees_no_false_end(streams: Streams, tmp_path: Path) -> None:
    fifos = fifos_in(tmp_path)
    streams.open_outputs(fifos, None)
    assert not await streams.drained(0.05)
    await asyncio.gather(
        write_from_thread(fifos.stdout, b""), write_from_thread(fifos.stderr, b"x")
    )
    assert await streams.drained(5)


async def test_a_slow_client_holds_the_container_back_and_loses_nothing(
    streams: Streams, tmp_path: Path
) -> None:
    client = streams.subscribe(stdout=True, stderr=False)
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, None)
    data = os.urandom(1024) * 4096
    writing = write_from_thread(fifos.stdout, data)
    await asyncio.sleep(0.2)
    assert not writing.done()
    assert client.size < 2 * 1024 * 1024
    received = b""
    while len(received) < len(data):
        chunk = await asyncio.wait_for(client.read(), 5)
        assert chunk is not None
        received += chunk[1]
    await writing
    assert received == data


async def test_a_client_that_goes_away_frees_the_container(
    streams: Streams, tmp_path: Path
) -> None:
    client = streams.subscribe(stdout=True, stderr=False)
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, None)
    writing = write_from_thread(fifos.stdout, b"x" * 4_000_000)
    await asyncio.sleep(0.1)
    streams.unsubscribe(client)
    await asyncio.wait_for(writing, 5)


async def test_input_waits_for_the_container_and_ends_with_it(
    streams: Streams, tmp_path: Path
) -> None:
    fifos = fifos_in(tmp_path, stdin=True)
    early = asyncio.create_task(streams.stdin.write(b"early"))
    await asyncio.sleep(0)
    reader = os.open(fifos.stdin, os.O_RDONLY | os.O_NONBLOCK)
    streams.stdin.open(fifos.stdin)
    await early
    assert os.read(reader, 100) == b"early"
    streams.stdin.close()
    assert os.read(reader, 100) == b""
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        await streams.stdin.write(b"late")


async def test_a_writer_blocked_on_a_full_pipe_is_freed_by_the_end(
    streams: Streams, tmp_path: Path
) -> None:
    fifos = fifos_in(tmp_path, stdin=True)
    reader = os.open(fifos.stdin, os.O_RDONLY | os.O_NONBLOCK)
    streams.stdin.open(fifos.stdin)
    writing = asyncio.create_task(streams.stdin.write(b"x" * 1_000_000))
    await asyncio.sleep(0.05)
    assert not writing.done()
    await streams.end()
    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(writing, 5)
    os.close(reader)


async def test_input_that_nobody_reads_any_more_has_ended(streams: Streams, tmp_path: Path) -> None:
    """A restarted engine finds it so when a client had ended the input before."""
    streams.stdin.open(fifos_in(tmp_path, stdin=True).stdin)
    assert streams.stdin.closed
    with pytest.raises(BrokenPipeError):
        await streams.stdin.write(b"late")


async def test_ending_twice_is_fine(streams: Streams) -> None:
    client = streams.subscribe(stdout=True, stderr=True)
    await streams.end()
    await streams.end()
    assert await client.read() is None


class SlowLog(NoneDriver):
    """Takes its time until told to hurry."""

    def __init__(self) -> None:
        self.hurry = asyncio.Event()
        self.got = b""

    async def write(self, batch: Batch) -> None:
        await self.hurry.wait()
        self.got += batch.data


class BrokenLog(NoneDriver):
    """Takes nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def write(self, batch: Batch) -> None:
        self.asked += 1
        raise RunnerError("disk full")


async def test_a_slow_log_holds_nobody_back_before_its_buffer_is_full(
    streams: Streams, tmp_path: Path
) -> None:
    slow = SlowLog()
    client = streams.subscribe(stdout=True, stderr=False)
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, slow, "id")
    await write_from_thread(fifos.stdout, b"x" * 99 + b"\n")
    assert await asyncio.wait_for(client.read(), 5) == (1, b"x" * 99 + b"\n")
    assert await streams.drained(5)
    slow.hurry.set()
    await streams.end()
    assert slow.got == b"x" * 99 + b"\n"


async def test_a_slow_log_holds_the_container_back_in_the_end(
    streams: Streams, tmp_path: Path
) -> None:
    slow = SlowLog()
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, slow, "id")
    data = (b"x" * 99 + b"\n") * 40_000
    writing = write_from_thread(fifos.stdout, data)
    await asyncio.sleep(0.3)
    assert not writing.done()
    slow.hurry.set()
    await asyncio.wait_for(writing, 20)
    assert await streams.drained(20)
    await streams.end()
    assert slow.got == data


async def test_a_log_that_is_slow_at_the_end_gets_all(streams: Streams, tmp_path: Path) -> None:
    """The run is over, its end is not waited for any longer: a FIFO full is yet to be logged."""
    slow = SlowLog()
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, slow, "id")
    data = (b"x" * 99 + b"\n") * 8_000
    await asyncio.wait_for(write_from_thread(fifos.stdout, data), 20)
    assert not await streams.drained(0.1)
    ending = asyncio.create_task(streams.end())
    await asyncio.sleep(0.1)
    slow.hurry.set()
    await ending
    assert slow.got == data


HOG = """
import os, time
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
for _ in range(3):
    until = time.monotonic() + 0.3
    while time.monotonic() < until: pass
    time.sleep(0.2)
"""
"""Leaves no time to anything else on its CPU, but for a little now and then."""


@contextlib.asynccontextmanager
async def program(cpu: int, text: str, stdout: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program on one CPU, killed at the end."""
    pinned = f"import os; os.sched_setaffinity(0, [{cpu}])\n{text}"
    with open(stdout, "wb") as file:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", pinned, stdout=file)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.skipif(
    os.geteuid() != 0 or len(os.sched_getaffinity(0)) < 2, reason="takes a CPU away"
)
async def test_a_writer_that_wakes_late_is_heard(streams: Streams, tmp_path: Path) -> None:
    """All that it wrote before it waited for room has been read, but for a line without its end.

    The kernel does not tell of what it writes on, as the FIFO was not empty.
    """
    cpu = max(os.sched_getaffinity(0))
    ours = os.sched_getaffinity(0)
    slow = SlowLog()
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, slow, "id")
    size = 4_000_000
    writing = f"os.write(1, (b'x' * 99 + b'\\n') * {size // 100})"
    os.sched_setaffinity(0, ours - {cpu})
    try:
        async with program(cpu, writing, fifos.stdout) as writer:
            await asyncio.sleep(1)  # it waits for room now
            async with program(cpu, HOG, os.devnull):
                await asyncio.sleep(0.1)
                slow.hurry.set()
                assert await asyncio.wait_for(writer.wait(), 20) == 0
    finally:
        os.sched_setaffinity(0, ours)
    assert await streams.drained(20)
    await streams.end()
    assert len(slow.got) == size


async def test_a_log_that_hangs_is_given_up(
    streams: Streams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("runner.engine.stdio._LOG_TIMEOUT", 0.05)
    slow = SlowLog()
    client = streams.subscribe(stdout=True, stderr=False)
    fifos = fifos_in(tmp_path, tty=True)
    streams.open_outputs(fifos, slow, "id")
    await write_from_thread(fifos.stdout, b"x\n")
    assert await streams.drained(5)
    async with asyncio.timeout(5):
        await streams.end()
    assert [await client.read(), await client.read()] == [(1, b"x\n"), None]
    assert "logs may be truncated" in caplog.text


async def test_a_log_that_fails_is_told_of_once_and_stops_nobody(
    streams: Streams, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = BrokenLog()
    fifos = fifos_in(tmp_path)
    streams.open_outputs(fifos, broken, "id")
    line = b"x" * 20_000 + b"\n"  # several batches each
    await asyncio.gather(
        write_from_thread(fifos.stdout, line * 50), write_from_thread(fifos.stderr, line * 50)
    )
    assert await streams.drained(10)
    await streams.end()
    assert broken.asked >= 200
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "disk full" in caplog.text
