"""The members of a tar that comes as a stream, one after the other (Go archive/tar Reader)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.tar import sparse
from runner.tar.header import (
    BLOCK,
    DIRECTORY,
    EXTENSION_MAX,
    GNU_LINK,
    GNU_NAME,
    HEADER_ONLY,
    OLD_REGULAR,
    PAX,
    PAX_GLOBAL,
    REGULAR,
    ZERO_BLOCK,
    DamagedTarError,
    Header,
    decimal,
    decode,
    pax_records,
    pax_time,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Source(Protocol):
    """Where the bytes come from. Its methods block."""

    def take(self, size: int) -> bytes:
        """The next `size` bytes (`EXTENSION_MAX` at most); fewer only at the end."""
        ...

    def copy(self, size: int, descriptor: int) -> int:
        """Write the next bytes to a file; how many there were, fewer than `size` at the end."""
        ...

    def skip(self, size: int) -> int:
        """Let go of the next bytes; how many there were."""
        ...


class TruncatedTarError(DamagedTarError):
    """The stream ends in the middle of a member."""

    def __init__(self) -> None:
        super().__init__("unexpected EOF")
        self.message = "unexpected EOF"


@dataclass(slots=True)
class _Extensions:
    """What extended headers say of the member that follows them."""

    records: dict[bytes, bytes] = field(default_factory=dict)
    name: bytes = b""
    link: bytes = b""

    def add(self, kind: bytes, data: bytes) -> None:
        if kind == GNU_NAME:
            self.name = text(data)
        elif kind == GNU_LINK:
            self.link = text(data)
        else:
            self.records = _with_sparse_map(pax_records(data))

    def apply(self, header: Header) -> None:
        """GNU's names are the last word, as in Go; an empty record leaves the field as it is."""
        if self.records:
            header.records = self.records
            for key, value in self.records.items():
                if value:
                    _apply(header, key, value)
        header.name = self.name or header.name
        header.link = self.link or header.link


def _with_sparse_map(records: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The records by their keys. Format 0.0 of sparse files repeats two of them for each piece."""
    found: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    for key, value in records:
        if key in (sparse.OFFSET, sparse.NUMBYTES):
            pieces.append(value)
        else:
            found[key] = value
    if pieces:
        found[sparse.MAP] = b",".join(pieces)
    return found


def _apply(header: Header, key: bytes, value: bytes) -> None:
    match key:
        case b"path":
            header.name = value
        case b"linkpath":
            header.link = value
        case b"size":
            header.size = decimal(value)
        case b"uid":
            header.uid = decimal(value)
        case b"gid":
            header.gid = decimal(value)
        case b"mtime":
            header.mtime_ns = pax_time(value)
        case b"atime":
            header.atime_ns = pax_time(value)
        case _:
            pass


class Reader:
    """Ask for the next member, then copy its data, or do not: what is left of them is skipped."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = 0
        self._padding = 0
        self._pieces: list[sparse.Piece] | None = None
        self._size = 0

    def next(self) -> Header | None:
        """The next member; None at the end. Raises DamagedTarError."""
        extensions = _Extensions()
        while (header := self._next_header()) is not None:
            kind = header.kind
            if kind in (PAX, GNU_NAME, GNU_LINK):
                extensions.add(kind, self._extension(header.size))
            elif kind == PAX_GLOBAL:
                extensions = _Extensions()  # to Go a member, with which extensions end
            else:
                extensions.apply(header)
                return self._member(header)
        return None

    @property
    def is_sparse(self) -> bool:
        """Whether the present member's data are the pieces of a file with holes."""
        return self._pieces is not None

    def copy_to(self, descriptor: int) -> None:
        """Write the member's data to a new file; holes stay holes. Raises DamagedTarError,
        OSError."""
        if self._pieces is None:
            self._copy(self._left, descriptor)
            return
        for offset, size in self._pieces:
            os.lseek(descriptor, offset, os.SEEK_SET)
            self._copy(min(size, self._left), descriptor)
        os.ftruncate(descriptor, self._size)

    def _copy(self, size: int, descriptor: int) -> None:
        self._left -= size
        if self._source.copy(size, descriptor) < size:
            raise TruncatedTarError

    def _next_header(self) -> Header | None:
        rest = self._left + self._padding
        if rest and self._source.skip(rest) < self._left:
            raise TruncatedTarError
        block = self._block()
        if block == ZERO_BLOCK:
            if self._block() not in (b"", ZERO_BLOCK):
                raise DamagedTarError("invalid tar header")
            return None
        if not block:
            return None
        header = decode(block)
        self._begin(0 if header.kind in HEADER_ONLY else header.size)
        return header

    def _block(self) -> bytes:
        block = self._source.take(BLOCK)
        if 0 < len(block) < BLOCK:
            raise TruncatedTarError
        return block

    def _begin(self, size: int) -> None:
        if size < 0:
            raise DamagedTarError("invalid tar header")
        self._left, self._padding, self._pieces = size, -size % BLOCK, None

    def _extension(self, size: int) -> bytes:
        if size > EXTENSION_MAX:
            raise DamagedTarError("header field too long")
        return self._take(size)

    def _take(self, size: int) -> bytes:
        data = self._source.take(size)
        if len(data) < size:
            raise TruncatedTarError
        self._left -= size
        return data

    def _member(self, header: Header) -> Header:
        if header.kind == OLD_REGULAR:
            header.kind = DIRECTORY if header.name.endswith(b"/") else REGULAR
        self._begin(0 if header.kind in HEADER_ONLY else header.size)
        if header.records and sparse.is_sparse(header.records):
            self._sparse(header)
        return header

    def _sparse(self, header: Header) -> None:
        header.name = sparse.real_name(header.records) or header.name
        size = sparse.real_size(header.records)
        header.size = self._size = header.size if size is None else size
        self._pieces = sparse.read_map(header.records, self._take, self._size)
        if sum(length for _, length in self._pieces) > self._left:
            raise DamagedTarError("invalid tar header")
