"""When to start a container again, and after how long (moby internal/restartmanager)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.types.container import RestartPolicy

_FIRST_DELAY = 0.1
_FACTOR = 2
_LONGEST_DELAY = 60.0
_LONG_ENOUGH = 10.0
"""Seconds of a run after which the delay begins anew."""


class RestartManager:
    """The back-off of one container, from a start by the user to the next one."""

    def __init__(self, policy: RestartPolicy, restart_count: int) -> None:
        self.policy = policy
        self._count = restart_count
        self._delay = 0.0
        self._cancelled = asyncio.Event()

    def set_policy(self, policy: RestartPolicy) -> None:
        """Go by another policy from now on; what has been counted stays (moby SetPolicy)."""
        self.policy = policy

    def cancel(self) -> None:
        """Never restart again under this manager: the user stopped the container."""
        self._cancelled.set()

    async def back_off(self, delay: float) -> bool:
        """Sleep before a restart; False, at once, when it has been cancelled."""
        try:
            async with asyncio.timeout(delay):
                await self._cancelled.wait()
        except TimeoutError:
            return True
        return False

    def should_restart(
        self, exit_code: int, *, manually_stopped: bool, ran_for: float
    ) -> float | None:
        """Seconds to wait before the restart, or None to stay stopped.

        Source: moby ShouldRestart; the count is of restarts under this policy.
        """
        if self._cancelled.is_set() or not self._applies(
            exit_code, manually_stopped=manually_stopped
        ):
            return None
        if ran_for >= _LONG_ENOUGH or not self._delay:
            self._delay = _FIRST_DELAY
        else:
            self._delay = min(self._delay * _FACTOR, _LONGEST_DELAY)
        self._count += 1
        return self._delay

    def _applies(self, exit_code: int, *, manually_stopped: bool) -> bool:
        match self.policy.name:
            case "always":
                return True
            case "unless-stopped":
                return not manually_stopped
            case "on-failure":
                most = self.policy.maximum_retry_count
                return exit_code != 0 and (most == 0 or self._count < most)
            case _:
                return False
