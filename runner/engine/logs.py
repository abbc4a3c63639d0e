"""A container's log: written through its driver, read back for clients (moby daemon/logs.go)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.logs import LogDriver, LogInfo, Message, ReadConfig, create_driver
from runner.types.errors import Conflict, InvalidParameter, RunnerError
from runner.types.gotext import atoi
from runner.types.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.engine.container import Container
    from runner.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class LogsRequest:
    """What of the log a client wants. Times as on the wire, `tail` a number or `all`."""

    stdout: bool
    stderr: bool
    follow: bool = False
    since: str = ""
    until: str = ""
    tail: str = ""
    timestamps: bool = False
    details: bool = False


@dataclass(frozen=True, slots=True)
class LogStream:
    """The messages in blocks, and whether they came from a terminal. To be closed, read or not."""

    tty: bool
    messages: AsyncGenerator[list[Message], None]
    own: LogDriver | None
    """A driver that was made for the reading only."""

    async def aclose(self) -> None:
        """Stop reading. Idempotent."""
        await self.messages.aclose()
        if self.own is not None:
            await self.own.close()


def log_path(container: Container) -> str:
    """Where the driver keeps its file, empty when it keeps none."""
    match container.host_config.log_config.type:
        case "json-file":
            return str(container.directory / f"{container.id}-json.log")
        case "local":
            return str(container.directory / "local-logs" / "container.log")
        case _:
            return ""


async def start_logger(container: Container, *, resume: bool = False) -> LogDriver:
    """Make the driver that the container's settings ask for (moby StartLogger).

    Raises RunnerError; with `resume` not because a log server is not there at the moment.
    """
    record = container.record
    return await create_driver(
        record.host_config.log_config,
        LogInfo(
            container_id=record.id,
            name=f"/{record.name}",
            log_path=log_path(container),
            cache_path=str(container.directory / "container-cached.log"),
            image_id=record.image_id,
            image_name=record.config.image,
            entrypoint=record.path,
            args=tuple(record.args),
            env=tuple(record.config.env or ()),
            labels=record.config.labels or {},
        ),
        resume=resume,
    )


async def container_logs(engine: Engine, reference: str, request: LogsRequest) -> LogStream:
    """The container's log (moby ContainerLogs).

    Raises NotFound, InvalidParameter for the request, Conflict for a container that is being
    removed, NotImplementedYet when the driver cannot be read, and what keeps the log of a
    container that does not run from being opened.
    """
    if not (request.stdout or request.stderr):
        raise InvalidParameter("must specify at least one of 'stdout' or 'stderr'")
    container = engine.containers.get(reference)
    if container.state.removal_in_progress or container.state.dead:
        raise Conflict("can not get logs from container which is dead or marked for removal")
    running = container.log_driver
    config = ReadConfig(
        since_ns=parse_timestamp(request.since),
        until_ns=parse_timestamp("" if request.until == "0" else request.until),
        tail=_lines(request.tail),
        follow=request.follow and running is not None,
    )
    driver = running or await start_logger(container)
    try:
        blocks = driver.read(config)
    except RunnerError:
        if running is None:
            await driver.close()
        raise
    own = driver if running is None else None
    return LogStream(container.config.tty, _wanted(blocks, request), own)


def _lines(tail: str) -> int:
    """How many lines; -1, which is all, for what is no number."""
    try:
        return max(atoi(tail), -1)
    except ValueError:
        return -1


async def _wanted(
    blocks: AsyncGenerator[list[Message], None], request: LogsRequest
) -> AsyncGenerator[list[Message], None]:
    """Only the streams asked for."""
    both = request.stdout and request.stderr
    only = "stdout" if request.stdout else "stderr"
    async with contextlib.aclosing(blocks):
        async for messages in blocks:
            yield messages if both else [item for item in messages if item.stream == only]
