"""A container's log: written through its driver, read back for clients (moby daemon/logs.go)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.logs import LogDriver, LogInfo, Message, ReadConfig, create_driver
from runner.types.errors import Conflict, InvalidParameter
from runner.types.gotext import saturating_int
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
    """The messages in blocks, and whether they came from a terminal."""

    tty: bool
    messages: AsyncGenerator[list[Message], None]


def log_path(container: Container) -> str:
    """The json-file log, as inspect tells it; empty for other drivers."""
    if container.host_config.log_config.type != "json-file":
        return ""
    return str(container.directory / f"{container.id}-json.log")


def start_logger(container: Container) -> LogDriver:
    """Make the driver that the container's settings ask for (moby StartLogger)."""
    record = container.record
    return create_driver(
        record.host_config.log_config,
        LogInfo(
            container_id=record.id,
            name=f"/{record.name}",
            log_path=log_path(container),
            image_id=record.image_id,
            image_name=record.config.image,
            entrypoint=record.path,
            args=tuple(record.args),
            env=tuple(record.config.env or ()),
            labels=record.config.labels or {},
        ),
    )


async def container_logs(engine: Engine, reference: str, request: LogsRequest) -> LogStream:
    """The container's log (moby ContainerLogs).

    Raises NotFound, InvalidParameter for the request, Conflict for a container that is being
    removed, NotImplementedYet when the driver cannot be read.
    """
    if not (request.stdout or request.stderr):
        raise InvalidParameter("must specify at least one of 'stdout' or 'stderr'")
    container = engine.containers.get(reference)
    if container.state.removal_in_progress or container.state.dead:
        raise Conflict("can not get logs from container which is dead or marked for removal")
    config = ReadConfig(
        since_ns=parse_timestamp(request.since),
        until_ns=parse_timestamp("" if request.until == "0" else request.until),
        tail=saturating_int(request.tail)
        if request.tail.isascii() and request.tail.isdigit()
        else -1,
        follow=request.follow and container.log_driver is not None,
    )
    driver = container.log_driver or start_logger(container)
    blocks = driver.read(config)
    own = driver if driver is not container.log_driver else None
    return LogStream(container.config.tty, _wanted(blocks, own, request))


async def _wanted(
    blocks: AsyncGenerator[list[Message], None], own: LogDriver | None, request: LogsRequest
) -> AsyncGenerator[list[Message], None]:
    """Only the streams asked for; closes a driver that was made for the reading."""
    both = request.stdout and request.stderr
    only = "stdout" if request.stdout else "stderr"
    try:
        async with contextlib.aclosing(blocks):
            async for messages in blocks:
                yield messages if both else [item for item in messages if item.stream == only]
    finally:
        if own is not None:
            await own.close()
