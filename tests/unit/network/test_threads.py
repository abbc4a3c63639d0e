"""Work in a thread of its own is waited for, whatever happens to who asked."""

import asyncio
import threading

import pytest

from runner.network.threads import in_own_thread


async def test_results_and_errors_come_back() -> None:
    assert await in_own_thread(lambda: threading.current_thread().name) == "network"
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0)


async def test_a_cancelled_caller_waits_for_the_end() -> None:
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go_on.wait(10)
        ended.set()

    caller = asyncio.create_task(in_own_thread(work))
    await asyncio.to_thread(began.wait, 10)
    caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()
