"""Descriptors that the event loop watches for somebody who waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


async def until_readable(descriptor: int) -> None:
    """Return when a read would not block; of a pidfd, when its process has ended."""
    loop = asyncio.get_running_loop()
    await _until(descriptor, loop.add_reader, loop.remove_reader)


async def until_writable(descriptor: int | socket.socket) -> None:
    """Return when a write would not block."""
    loop = asyncio.get_running_loop()
    await _until(descriptor, loop.add_writer, loop.remove_writer)


async def _until(
    descriptor: int | socket.socket,
    add: Callable[..., object],
    remove: Callable[[int | socket.socket], object],
) -> None:
    ready = asyncio.get_running_loop().create_future()
    add(descriptor, resolve, ready)
    try:
        await ready
    finally:
        remove(descriptor)


def resolve(future: asyncio.Future[None]) -> None:
    """For add_reader and add_writer: what was waited for has come."""
    if not future.done():
        future.set_result(None)
