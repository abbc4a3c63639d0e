"""What containerd tells, while a container's lock is held for long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from runner.containerd.events import TaskExit, TaskOOM, TaskPaused, TaskResumed
from runner.engine.execs import Execs
from runner.engine.task_events import follow_task_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.unit.engine.support import FakeEngine


async def test_a_held_lock_holds_up_nobody_else(fake_engine: FakeEngine) -> None:
    held, other = fake_engine.add("held"), fake_engine.add("other")
    for container in (held, other):
        container.state.running = True
        container.exit_event = asyncio.get_running_loop().create_future()
    exit_ = TaskExit(other.id, other.id, other.state.pid, 7, datetime.now(UTC))
    told = [TaskOOM(held.id), TaskPaused(held.id), TaskResumed(held.id), exit_]

    async def subscribe(*_: str) -> AsyncIterator[Any]:
        for event in told:
            yield SimpleNamespace(event=event)
        await asyncio.Event().wait()

    fake_engine.containerd = SimpleNamespace(events=SimpleNamespace(subscribe=subscribe))
    fake_engine.execs = Execs()
    async with held.lock:
        following = asyncio.create_task(follow_task_events(fake_engine))  # type: ignore[arg-type]
        assert other.exit_event is not None
        async with asyncio.timeout(10):
            assert (await other.exit_event).exit_code == 7
        assert not held.state.oom_killed
    async with asyncio.timeout(10):
        while len(fake_engine.events.past()) < 3:
            await asyncio.sleep(0)
    following.cancel()
    assert [event.action for event in fake_engine.events.past()] == ["oom", "pause", "unpause"]
