"""Starts of execs and pauses keep out of each other's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner.engine import freezing
from runner.engine.freezing import ExecStarts

if TYPE_CHECKING:
    import pytest


async def test_a_pause_waits_for_the_starts_under_way() -> None:
    starts, told = ExecStarts(), []

    async def start() -> None:
        async with starts.one():
            told.append("start")
            await asyncio.sleep(0.02)
            told.append("started")

    async def pause() -> None:
        async with starts.none():
            told.append("frozen")
            await asyncio.sleep(0.02)
            told.append("thawed")

    await asyncio.gather(start(), start(), asyncio.sleep(0), pause())
    assert told == ["start", "start", "started", "started", "frozen", "thawed"]
    told.clear()
    await asyncio.gather(pause(), asyncio.sleep(0), start())
    assert told == ["frozen", "thawed", "start", "started"]


async def test_a_start_that_hangs_does_not_forbid_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "_PATIENCE", 0.01)
    starts = ExecStarts()
    async with starts.one(), starts.none():
        pass
