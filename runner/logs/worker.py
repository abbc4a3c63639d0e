"""Threads for the log files' blocking reads and writes.

They have a pool of their own: asyncio's default one may be busy with unpacking images for
minutes, and a container's output must not wait for that.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="logs")


async def in_worker(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking function and await its result.

    A cancellation is raised only when the function has ended: it uses descriptors of the caller,
    who will close them on the way out.
    """
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(_pool, lambda: function(*args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            await asyncio.wait({work})
        raise
