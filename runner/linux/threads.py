"""Blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


async def to_end(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread and wait for its end even when cancelled meanwhile.

    A thread cannot be stopped: what it still changes after the caller has given up would surprise
    whoever cleans up. The cancellation is raised afterwards, and then an error of the work is lost.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):  # the first is raised below
                await asyncio.wait([task])
        task.exception()  # looked at, so that asyncio does not complain
        raise
