"""A client on the streams of a process (moby container/stream/attach.go CopyStreams)."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.engine.detach_keys import DetachDetector
    from runner.engine.stdio import Streams


class Client(Protocol):
    """What is needed of the connection; the API frames the output or not."""

    async def read(self) -> bytes:
        """Input of the client, b"" once it has half-closed."""

    async def write(self, stream: int, data: bytes) -> None:
        """Output of the process: 1 stdout, 2 stderr. Waits while the client does not read."""


class _InputEnd(enum.Enum):
    """How a client's input has ended: by its end, with the client, or by the detach keys."""

    ENDED = enum.auto()
    GONE = enum.auto()
    DETACHED = enum.auto()


class StreamCopy:
    """One client on one process's streams. Output is collected from the moment this is made.

    Input that the process does not take (`stdin` is false) is read and dropped. `end_input` ends
    the process's input when the client has ended its own; None leaves it open. `detector` looks
    for the detach keys in a terminal's input.
    """

    def __init__(
        self,
        streams: Streams,
        *,
        stdin: bool,
        stdout: bool,
        stderr: bool,
        end_input: Callable[[], Awaitable[None]] | None = None,
        detector: DetachDetector | None = None,
    ) -> None:
        self._streams = streams
        self._stdin = stdin
        self._stays_after_input = stdout or stderr or end_input is not None
        self._end_input = end_input
        self._detector = detector
        self._output = streams.subscribe(stdout=stdout, stderr=stderr)

    def close(self) -> None:
        """The client has gone. Idempotent."""
        self._streams.unsubscribe(self._output)

    async def run(self, client: Client) -> bool:
        """Copy in both directions until the process ends, or the client goes or detaches.

        Whether it has detached.
        """
        output = asyncio.create_task(self._copy_output(client))
        input_ = asyncio.create_task(self._copy_input(client))
        try:
            await asyncio.wait({output, input_}, return_when=asyncio.FIRST_COMPLETED)
            if output.done():
                output.result()
            end = input_.result() if input_.done() else None
            if end is _InputEnd.ENDED and self._stays_after_input:
                await output
            return end is _InputEnd.DETACHED
        finally:
            for task in (output, input_):
                task.cancel()
            await asyncio.gather(output, input_, return_exceptions=True)

    async def _copy_output(self, client: Client) -> None:
        """Copy until the process has ended, or the client has gone."""
        with contextlib.suppress(ConnectionError):
            while (chunk := await self._output.read()) is not None:
                await client.write(*chunk)

    async def _copy_input(self, client: Client) -> _InputEnd:
        """Copy until the client says that this was all, or the process takes no more of it: there
        may be output left to send then."""
        try:
            while data := await client.read():
                if self._stdin and await self._type(data):
                    return _InputEnd.DETACHED
            if self._end_input is not None:
                await self._end_input()
        except BrokenPipeError:
            return _InputEnd.ENDED
        except ConnectionError:
            return _InputEnd.GONE
        return _InputEnd.ENDED

    async def _type(self, data: bytes) -> bool:
        """Hand on what was typed; whether the detach keys were."""
        detached = False
        if self._detector is not None:
            data, detached = self._detector.feed(data)
        if data:
            await self._streams.stdin.write(data)
        return detached
