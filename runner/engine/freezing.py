"""Nothing is started in a container while it is being frozen.

A runtime that is frozen in the midst of an exec does not answer until the container is thawed, and
the shims of containerd 1.6 let nothing else be done meanwhile: neither thaw it nor kill it. dockerd
leaves it to luck.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PATIENCE = 10.0
"""Seconds that starts under way may hold a pause up; mostly it is a tenth of one."""


class ExecStarts:
    """Those of one container."""

    def __init__(self) -> None:
        self._under_way = 0
        self._none_under_way = asyncio.Event()
        self._none_under_way.set()
        self._allowed = asyncio.Event()
        self._allowed.set()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Inside, an exec is started; a pause under way comes first."""
        while not self._allowed.is_set():
            await self._allowed.wait()
        self._under_way += 1
        self._none_under_way.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._none_under_way.set()

    @contextlib.asynccontextmanager
    async def none(self) -> AsyncIterator[None]:
        """Inside, none is started; those under way are waited for, within reason."""
        self._allowed.clear()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._none_under_way.wait(), _PATIENCE)
            yield
        finally:
            self._allowed.set()
