"""What a log file's format has to do for the file that is kept in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from runner.logs.message import Batch, Message


class Codec(Protocol):
    """A format: records one after the other, each of which says where it ends."""

    def encode(self, batch: Batch) -> bytes:
        """The records of a batch."""

    def fill(self, records: bytes, room: int) -> int:
        """Where the first record ends that takes up the last of `room` bytes; all if none does."""

    def decode(self, data: bytes, *, last: bool) -> tuple[list[Message], int]:
        """The records that lie wholly in `data`, and how many bytes they take.

        `last` when nothing comes after `data`. Raises ValueError for what is no record and leaves
        no way to the next one; those before it are returned first.
        """

    def tail(self, file: BinaryIO, end: int, count: int) -> tuple[int, int]:
        """Where the last `count` records before `end` start, and how many there really are.

        Raises ValueError when the file is damaged.
        """

    def mend(self, fd: int) -> None:
        """Undo what a crash or a full disk has left of a record at the end. Raises OSError."""
