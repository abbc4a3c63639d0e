"""Long work whose progress the client sees as a stream of JSON messages (moby streamformatter)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from runner.api.errors import message_of, report
from runner.api.respond import Stream
from runner.types.errors import RunnerError
from runner.types.image import ErrorDetail, ProgressMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import web

    from runner.api.call import Call

_QUEUED: Final = 512
"""Messages for a slow client beyond which those that only move a bar are left out."""


class ProgressStream:
    """The answer to a pull, load or import.

    The status is 200 from the first message on; an error before it is an error status, one after
    it a message of the stream, unless `always` asks for the latter from the start.
    """

    def __init__(self, call: Call, *, always: bool = False) -> None:
        self._what = f"{call.request.method} {call.request.path}"
        self._always = always
        self._queue: asyncio.Queue[ProgressMessage | None] = asyncio.Queue()
        self.stream = Stream(call, "application/json")

    def tell(self, message: ProgressMessage) -> None:
        """Queue a message for the client. Never waits."""
        if self._queue.qsize() < _QUEUED or not message.progress:
            self._queue.put_nowait(message)

    async def run(self, work: Awaitable[None]) -> web.StreamResponse:
        """Do the work and send what it tells meanwhile."""
        sender = asyncio.create_task(self._send())
        try:
            await work
        except RunnerError as error:
            await self._sent(sender)
            if not (self.stream.started or self._always):
                raise
            await self._fail(error)
        else:
            await self._sent(sender)
            await self.stream.start()
        finally:
            sender.cancel()
        return self.stream.response

    async def _sent(self, sender: asyncio.Task[None]) -> None:
        self._queue.put_nowait(None)
        await sender

    async def _send(self) -> None:
        while (message := await self._queue.get()) is not None:
            await self.stream.write(msgspec.json.encode(message) + b"\r\n")

    async def _fail(self, error: RunnerError) -> None:
        report(error, self._what)
        text = message_of(error)
        message = ProgressMessage(error_detail=ErrorDetail(message=text), error=text)
        await self.stream.write(msgspec.json.encode(message) + b"\r\n")
