"""Descriptors that the event loop watches for somebody who waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


async def until_readable(descriptor: int) -> None:
    """Return when a read would not block; of a pidfd, when its process has ended."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(descriptor, resolve, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)


async def until_writable(descriptor: int | socket.socket) -> None:
    """Return when a write would not block."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(descriptor, resolve, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def resolve(future: asyncio.Future[None]) -> None:
    """For add_reader and add_writer: what was waited for has come."""
    if not future.done():
        future.set_result(None)
