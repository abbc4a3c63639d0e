"""Batches on their way to a syslog server (moby daemon/logger/syslog, RackSec/srslog writer.go)."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from typing import TYPE_CHECKING, Final

from runner.logs.syslog.connection import dial
from runner.logs.syslog.envelope import Envelope
from runner.logs.syslog.options import (
    TLS,
    check_format,
    parse_address,
    parse_facility,
    tls_context,
)
from runner.logs.tag import DEFAULT_TEMPLATE, parse_log_tag
from runner.logs.unreadable import UnreadableDriver
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner.logs.info import LogInfo
    from runner.logs.message import Batch
    from runner.logs.syslog.connection import Connection

_TAG_OF_NONE: Final = "runner"
"""The tag where the template makes nothing; srslog takes the program's name."""


class SyslogDriver(UnreadableDriver):
    """Sends each line as a message. A connection that breaks is made anew, once a message."""

    def __init__(
        self, dial_server: Callable[[], Awaitable[Connection]], envelope: Envelope
    ) -> None:
        self._dial = dial_server
        self._envelope = envelope
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def connect(self) -> None:
        """Make the first connection. Raises RunnerError."""
        self._connection = await self._dial()

    async def write(self, batch: Batch) -> None:
        """Send the lines, but for empty ones, which syslog has no use for.

        When the server cannot be reached the rest of the batch is lost with the line: it is of the
        same moment, and the server would be waited for in vain once more. Raises RunnerError.
        """
        async with self._lock:
            for message in batch.messages():
                if line := message.line.removesuffix(b"\n"):
                    await self._send(self._envelope.wrap(line, batch.stream))

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _send(self, message: bytes) -> None:
        if self._connection is not None:
            try:
                await self._connection.send(message)
            except OSError:
                await self.close()
            else:
                return
        await self.connect()
        assert self._connection is not None
        try:
            await self._connection.send(message)
        except OSError as err:
            await self.close()
            reason = os.strerror(err.errno).lower() if err.errno else str(err)
            raise RunnerError(f"write to the syslog server: {reason}") from err


async def create_syslog(options: Mapping[str, str], info: LogInfo, *, resume: bool) -> SyslogDriver:
    """Connect to the server, with `resume` only when there is something to send.

    Raises ValueError for the options, RunnerError for the server.
    """
    tag = parse_log_tag(options.get("tag") or DEFAULT_TEMPLATE, info) or _TAG_OF_NONE
    address = parse_address(options.get("syslog-address", ""), must_exist=not resume)
    facility = parse_facility(options.get("syslog-facility", ""))
    format_ = options.get("syslog-format", "")
    check_format(format_)
    secure = address.network == TLS
    driver = SyslogDriver(
        functools.partial(dial, address, tls_context(options) if secure else None),
        Envelope(
            format=format_,
            facility=facility,
            hostname=socket.gethostname(),
            tag=tag,
            framed=secure and format_.startswith("rfc5424"),
        ),
    )
    if not resume:
        await driver.connect()
    return driver
