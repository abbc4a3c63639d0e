"""Clients on a container's streams (moby daemon/attach.go, container/stream/attach.go)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.engine import logs, runtime
from runner.engine.detach_keys import DetachDetector, parse_detach_keys
from runner.engine.stdio import STDERR, STDOUT
from runner.types.errors import Conflict

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.stdio import Streams


class Client(Protocol):
    """What attach needs of the connection; the API frames the output or not."""

    async def read(self) -> bytes:
        """Input of the client, b"" once it has half-closed."""

    async def write(self, stream: int, data: bytes) -> None:
        """Output of the container: 1 stdout, 2 stderr. Waits while the client does not read."""


@dataclass(frozen=True, slots=True)
class AttachRequest:
    """What the client wants: which streams, live or from the log, and its detach keys."""

    stdin: bool
    stdout: bool
    stderr: bool
    stream: bool
    logs: bool
    detach_keys: str = ""


async def container_attach(engine: Engine, reference: str, request: AttachRequest) -> Attachment:
    """Check that the container can be attached to (moby ContainerAttach).

    Raises before anything is sent to the client: NotFound, InvalidParameter for the detach keys,
    Conflict for a paused or restarting container.
    """
    keys = parse_detach_keys(request.detach_keys)
    container = engine.containers.get(reference)
    state = container.state
    if state.paused:
        raise Conflict(f"container {reference} is paused, unpause the container before attach")
    if state.restarting:
        raise Conflict(f"container {reference} is restarting, wait until the container is running")
    return Attachment(engine, container, request, keys)


class Attachment:
    """One client on one container. Output is collected from the moment that this is made."""

    def __init__(
        self, engine: Engine, container: Container, request: AttachRequest, keys: bytes
    ) -> None:
        self._engine = engine
        self._container = container
        self._request = request
        self._detector = DetachDetector(keys)
        self._streams: Streams = container.streams
        self._output = self._streams.subscribe(
            stdout=request.stream and request.stdout, stderr=request.stream and request.stderr
        )

    @property
    def tty(self) -> bool:
        """Whether the stream is a terminal's: raw, not framed."""
        return self._container.config.tty

    async def run(self, client: Client) -> None:
        """Copy in both directions until the container ends, the client goes or detaches."""
        try:
            if self._request.logs:
                await self._replay(client)
            self._engine.events.log_container(self._container, "attach")
            if self._request.stream:
                await self._copy(client)
        finally:
            self._streams.unsubscribe(self._output)

    async def _replay(self, client: Client) -> None:
        """Send what the log has (`logs=1`)."""
        request = logs.LogsRequest(stdout=self._request.stdout, stderr=self._request.stderr)
        log = await logs.container_logs(self._engine, self._container.id, request)
        async with contextlib.aclosing(log):
            async for messages in log.messages:
                for message in messages:
                    stream = STDERR if message.stream == "stderr" else STDOUT
                    await client.write(stream, message.line)

    async def _copy(self, client: Client) -> None:
        takes_input = self._request.stdin and self._container.config.open_stdin
        output = asyncio.create_task(self._copy_output(client))
        input_ = asyncio.create_task(self._copy_input(client, takes_input=takes_input))
        try:
            await asyncio.wait({output, input_}, return_when=asyncio.FIRST_COMPLETED)
            if input_.done() and not input_.result() and self._stays_after_input(takes_input):
                await output
        finally:
            for task in (output, input_):
                task.cancel()
            await asyncio.gather(output, input_, return_exceptions=True)

    def _stays_after_input(self, takes_input: bool) -> bool:
        """Whether the client still waits for something when it has ended its input."""
        wants_output = self._request.stdout or self._request.stderr
        once = takes_input and self._container.config.stdin_once and not self.tty
        return wants_output or once

    async def _copy_output(self, client: Client) -> None:
        """Copy until the container has ended, or the client has gone."""
        with contextlib.suppress(ConnectionError):
            while (chunk := await self._output.read()) is not None:
                await client.write(*chunk)

    async def _copy_input(self, client: Client, *, takes_input: bool) -> bool:
        """Copy until the input has ended (False) or the client has detached or gone (True).

        Input ends when the client says so, or when the container takes no more of it: there may
        be output left to send then.
        """
        try:
            while data := await client.read():
                if not takes_input:
                    continue
                if self.tty:
                    data, detached = self._detector.feed(data)
                    if detached:
                        await self._streams.stdin.write(data)
                        self._engine.events.log_container(self._container, "detach")
                        return True
                if data:
                    await self._streams.stdin.write(data)
            if takes_input and self._container.config.stdin_once and not self.tty:
                await runtime.close_stdin(self._engine, self._container)
        except BrokenPipeError:
            return False
        except ConnectionError:
            return True
        return False
