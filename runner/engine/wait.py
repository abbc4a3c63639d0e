"""Waiting for an exit or a removal (moby daemon/wait.go, container State.Wait)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.state import WaitCondition
from runner.types.container import WaitError, WaitResponse

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Waiter:
    """A wait that is registered: no exit from now on is missed."""

    container: Container
    done: asyncio.Future[None]

    async def result(self) -> WaitResponse:
        """Wait, then tell the exit code, with the error of a start that failed.

        Of a removed container only the code is told: the removal itself went well.
        """
        await self.done
        state = self.container.state
        tells_error = state.error and not self.container.removed
        error = WaitError(message=state.error) if tells_error else None
        return WaitResponse(status_code=state.exit_code, error=error)


async def container_wait(engine: Engine, reference: str, condition: str) -> Waiter:
    """Register a wait (moby ContainerWait).

    Raises NotFound, and InvalidParameter for an unknown condition.
    """
    wanted = WaitCondition.parse(condition)
    return wait_for(engine.containers.get(reference), wanted)


def wait_for(container: Container, condition: WaitCondition) -> Waiter:
    """Register a wait on the container; `not-running` is done at once when it does not run."""
    if condition is WaitCondition.REMOVED:
        return Waiter(container, container.waiters.on_removed())
    done = container.waiters.on_stop()
    if condition is WaitCondition.NOT_RUNNING and not container.state.running:
        done.set_result(None)
    return Waiter(container, done)


async def stopped_within(container: Container, seconds: float | None) -> bool:
    """Whether the container stops in time; None waits for ever."""
    waiter = wait_for(container, WaitCondition.NOT_RUNNING)
    try:
        async with asyncio.timeout(seconds):
            await waiter.done
    except TimeoutError:
        return False
    return True
