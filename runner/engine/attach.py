"""Clients on a container's streams (moby daemon/attach.go)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from runner.engine import logs, task
from runner.engine.detach_keys import DetachDetector, parse_detach_keys
from runner.engine.stdio import STDERR, STDOUT
from runner.engine.stream_copy import StreamCopy
from runner.types.errors import Conflict

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.stream_copy import Client


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
        self._copy = _stream_copy(engine, container, request, keys)

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
            if self._request.stream and await self._copy.run(client):
                self._engine.events.log_container(self._container, "detach")
        finally:
            self._copy.close()

    async def _replay(self, client: Client) -> None:
        """Send what the log has (`logs=1`)."""
        request = logs.LogsRequest(stdout=self._request.stdout, stderr=self._request.stderr)
        log = await logs.container_logs(self._engine, self._container.id, request)
        async with contextlib.aclosing(log):
            async for messages in log.messages:
                for message in messages:
                    stream = STDERR if message.stream == "stderr" else STDOUT
                    await client.write(stream, message.line)


def _stream_copy(
    engine: Engine, container: Container, request: AttachRequest, keys: bytes
) -> StreamCopy:
    """What is copied; the input of a container with StdinOnce ends with the client's."""
    config = container.config
    takes_input = request.stdin and config.open_stdin
    ends_input = takes_input and config.stdin_once and not config.tty
    return StreamCopy(
        container.streams,
        stdin=takes_input,
        stdout=request.stream and request.stdout,
        stderr=request.stream and request.stderr,
        end_input=partial(task.close_stdin, engine, container) if ends_input else None,
        detector=DetachDetector(keys) if config.tty else None,
    )
