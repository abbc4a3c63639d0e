"""Where the members of a tar file are. Only headers are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from runner.tar import header as tar
from runner.tar.header import DamagedTarError
from runner.tar.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(Enum):
    """What a member is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    DEVICE = "device"
    FIFO = "fifo"
    OTHER = "unknown"


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its data are `size` bytes at `offset` of the tar. `link` is a link's target."""

    name: str
    kind: Kind
    offset: int
    size: int
    link: str = ""


_KINDS = {
    tar.REGULAR: Kind.FILE,
    b"7": Kind.FILE,
    tar.LINK: Kind.HARDLINK,
    tar.SYMLINK: Kind.SYMLINK,
    tar.CHARACTER: Kind.DEVICE,
    tar.BLOCK_DEVICE: Kind.DEVICE,
    tar.DIRECTORY: Kind.DIRECTORY,
    tar.FIFO: Kind.FIFO,
}


def members(fd: int) -> Iterator[Member]:
    """The members of the tar in the file, in order. Raises InvalidParameter when it is damaged,
    for the last one that was told too: its data may be cut off."""
    source = _Headers(fd)
    reader = Reader(source)
    while (header := reader.next()) is not None:
        if reader.is_sparse or header.kind == tar.GNU_SPARSE:
            raise DamagedTarError("sparse files are not supported")  # not in one place
        yield Member(
            _text(header.name),
            _KINDS.get(header.kind, Kind.OTHER),
            source.position,
            0 if header.kind in tar.HEADER_ONLY else header.size,
            _text(header.link),
        )


class _Headers:
    """The file for a reader that is not asked for any data (a tar.Source)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._length = os.fstat(fd).st_size
        self.position = 0

    def take(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self.position)
        self.position += len(data)
        return data

    def skip(self, size: int) -> int:
        count = min(size, self._length - self.position)
        self.position += count
        return count

    def copy(self, size: int, descriptor: int) -> int:
        raise AssertionError("only headers are read")


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
