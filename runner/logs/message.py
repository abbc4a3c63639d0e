"""What a container said: batches on their way to a driver, messages on their way back.

A container can write a million lines a second. What comes from it therefore travels as a `Batch`,
the bytes of all the lines that one read brought, and becomes single `Message`s only where someone
looks at them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Partial:
    """The place of a record in a line too long for one (moby backend.PartialLogMetaData).

    All parts of a line have the same `id` and timestamp; `ordinal` counts from 1.
    """

    id: str
    ordinal: int
    last: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One record of a log (moby logger.Message).

    `line` has its newline, unless it is not the last part of a line or the output ended without
    one. `timestamp_ns` counts from the epoch.
    """

    line: bytes
    stream: Stream
    timestamp_ns: int
    partial: Partial | None = None
    attrs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one stream that share a timestamp.

    `data` holds whole lines with their newlines; or, when `partial` is set, one part of a line.
    """

    data: bytes
    stream: Stream
    timestamp_ns: int
    partial: Partial | None = None

    def messages(self) -> Iterator[Message]:
        """The records one by one."""
        for line in _lines(self.data):
            yield Message(line, self.stream, self.timestamp_ns, self.partial)


def _lines(data: bytes) -> Iterator[bytes]:
    """Split at newlines only (bytes.splitlines would split at carriage returns too)."""
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        yield data[start:end]
        start = end
    if start < len(data):
        yield data[start:]
