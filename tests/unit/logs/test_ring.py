"""mode=non-blocking at the end of a container: what is queued goes out, if it can."""

from __future__ import annotations

import asyncio

import pytest

from runner.logs import Batch, Failures
from runner.logs.none import NoneDriver
from runner.logs.ring import RingDriver
from runner.types.errors import RunnerError


class Server(NoneDriver):
    """Takes, refuses or hangs."""

    def __init__(self, *, refuses: bool = False, hangs: bool = False) -> None:
        self.refuses = refuses
        self.hangs = hangs
        self.asked: list[bytes] = []
        self.closed = False

    async def write(self, batch: Batch) -> None:
        self.asked.append(batch.data)
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            raise RunnerError("gone")

    async def close(self) -> None:
        self.closed = True


async def fill(server: Server, count: int = 10) -> RingDriver:
    ring = RingDriver(server, 1000, Failures("id"))
    for number in range(count):
        await ring.write(Batch(b"%d\n" % number, "stdout", 0))
    return ring


async def test_everything_queued_goes_out() -> None:
    server = Server()
    ring = await fill(server)
    await ring.close()
    assert len(server.asked) == 10
    assert server.closed
    with pytest.raises(RunnerError, match="closed"):
        await ring.write(Batch(b"late\n", "stdout", 0))


async def test_the_end_asks_a_server_that_is_gone_only_once_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(refuses=True)
    ring = await fill(server)
    await ring.close()
    assert len(server.asked) == 1
    assert server.closed
    assert len(caplog.records) == 1


async def test_while_the_container_runs_each_batch_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(refuses=True)
    ring = await fill(server)
    await asyncio.sleep(0.01)
    assert len(server.asked) == 10
    await ring.close()
    assert len(caplog.records) == 1


async def test_a_server_that_hangs_does_not_keep_the_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.logs.ring._CLOSE_TIMEOUT", 0.05)
    server = Server(hangs=True)
    ring = await fill(server)
    async with asyncio.timeout(5):
        await ring.close()
    assert server.asked == [b"0\n"]
    assert server.closed
