"""A daemon's socket as it is on a busy machine: every answer takes its time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_CHUNK = 65_536


@contextlib.asynccontextmanager
async def slow_relay(path: Path, target: Path, *, seconds: float) -> AsyncIterator[None]:
    """A socket at `path` that passes on what `target` has to say, each piece `seconds` late."""
    relayed: set[asyncio.Task[None]] = set()

    def take(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        relayed.add(asyncio.create_task(_relay(client, to_client, target, seconds)))

    server = await asyncio.start_unix_server(take, path)
    try:
        yield
    finally:
        server.close()
        for task in relayed:
            task.cancel()
        await asyncio.gather(*relayed, return_exceptions=True)


async def _relay(
    client: asyncio.StreamReader, to_client: asyncio.StreamWriter, target: Path, seconds: float
) -> None:
    daemon, to_daemon = await asyncio.open_unix_connection(target)
    with contextlib.closing(to_client), contextlib.closing(to_daemon):
        async with asyncio.TaskGroup() as both:
            both.create_task(_pass_on(client, to_daemon, 0))
            both.create_task(_pass_on(daemon, to_client, seconds))


async def _pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter, seconds: float) -> None:
    while data := await source.read(_CHUNK):
        await asyncio.sleep(seconds)
        to.write(data)
        await to.drain()
    to.close()
