"""Batches on their way to the journal (moby daemon/logger/journald/journald.go)."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from runner.logs.journald import fields
from runner.logs.journald.native import Journal, encode_field, encode_fields
from runner.logs.journald.reader import read_journal
from runner.logs.tag import DEFAULT_TEMPLATE, parse_log_tag
from runner.logs.unreadable import UnreadableDriver
from runner.types.errors import RunnerError
from runner.types.times import format_ns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from runner.logs.info import LogInfo
    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig


class JournaldDriver(UnreadableDriver):
    """Sends each line as an entry, and has journalctl read them.

    `epoch` tells this writer's entries from those of others of the same container; `ordinal` is the
    number of the last one, 0 before the first.
    """

    def __init__(
        self,
        journal: Journal,
        container_id: str,
        constant: Mapping[str, str],
        journalctl: Sequence[str] | None,
    ) -> None:
        """`constant` are the fields of every entry; without `journalctl` nothing can be read."""
        self.readable = journalctl is not None
        self.container_id = container_id
        self.epoch = secrets.token_hex(32)
        self.ordinal = 0
        self.closed = asyncio.Event()
        self._journal = journal
        self._journalctl = journalctl
        every = {**constant, fields.LOG_EPOCH: self.epoch}
        self._constant = encode_fields(
            {name: value.encode("utf-8", "surrogateescape") for name, value in every.items()}
        )

    async def write(self, batch: Batch) -> None:
        """Send the records. Raises RunnerError."""
        if self.closed.is_set():
            raise RunnerError("cannot write to the journal: the log is closed")
        common = self._common(batch)
        for message in batch.messages():
            self.ordinal += 1
            entry = (
                encode_field(fields.MESSAGE, message.line.removesuffix(b"\n"))
                + encode_field(fields.LOG_ORDINAL, b"%d" % self.ordinal)
                + common
            )
            try:
                await self._journal.send(entry)
            except OSError as err:
                reason = os.strerror(err.errno or 0).lower()
                raise RunnerError(f"write to the journal: {reason}") from err

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The container's entries, whoever wrote them."""
        if self._journalctl is None:
            return super().read(config)
        return read_journal(self, self._journalctl, config)

    async def close(self) -> None:
        """Close the socket; followers end when they have seen every entry. Idempotent."""
        self.closed.set()
        await self._journal.close()

    def _common(self, batch: Batch) -> bytes:
        """What the batch's entries have in common."""
        shared = {
            fields.PRIORITY: fields.PRIORITIES[batch.stream],
            fields.SYSLOG_TIMESTAMP: format_ns(batch.timestamp_ns).encode(),
        }
        if batch.partial is not None:
            shared |= fields.of_partial(batch.partial)
        return encode_fields(shared) + self._constant


def create_journald(options: Mapping[str, str], info: LogInfo, *, resume: bool) -> JournaldDriver:
    """Find journald, unless with `resume`. Raises ValueError, also where there is none."""
    journal = Journal()
    if not resume and not journal.serves():
        raise ValueError("journald is not enabled on this host")
    journalctl = shutil.which("journalctl")
    return JournaldDriver(
        journal,
        info.container_id,
        _constant_fields(options, info),
        [journalctl] if journalctl else None,
    )


def _constant_fields(options: Mapping[str, str], info: LogInfo) -> dict[str, str]:
    tag = parse_log_tag(options.get("tag") or DEFAULT_TEMPLATE, info)
    attributes = info.extra_attributes(options)
    return {
        fields.CONTAINER_ID: info.container_id[:12],
        fields.CONTAINER_ID_FULL: info.container_id,
        fields.CONTAINER_NAME: info.name.removeprefix("/"),
        fields.CONTAINER_TAG: tag,
        fields.IMAGE_NAME: info.image_name,
        fields.SYSLOG_IDENTIFIER: tag,
        **{fields.sanitize(name): value for name, value in attributes.items()},
    }
