"""Counting once for all who ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine.disk_usage import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Coroutine


def background(work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


async def test_who_asks_meanwhile_gets_the_same_answer() -> None:
    flights, counted, go = SingleFlight(background), 0, asyncio.Event()

    async def count() -> list[int]:
        nonlocal counted
        number = counted = counted + 1
        await go.wait()
        return [number]

    asking = [asyncio.create_task(flights.do("x", count)) for _ in range(3)]
    other = asyncio.create_task(flights.do("y", count))
    await asyncio.sleep(0)
    asking[0].cancel()  # one who goes takes the answer from nobody
    go.set()
    assert await other == [2]
    assert [await task for task in asking[1:]] == [[1], [1]]
    assert await flights.do("x", count) == [3]


async def test_a_failure_is_everybodys_and_not_kept() -> None:
    flights = SingleFlight(background)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    asking = [asyncio.create_task(flights.do("x", fail)) for _ in range(2)]
    for task in asking:
        with pytest.raises(ValueError, match="broken"):
            await task
    with pytest.raises(ValueError, match="broken"):
        await flights.do("x", fail)
