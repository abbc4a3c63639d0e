"""Where the members of a tar file are. Only headers are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from runner.tar import header as tar
from runner.tar.header import BLOCK, DamagedTarError, Header

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
    tar.OLD_REGULAR: Kind.FILE,
    b"7": Kind.FILE,
    tar.LINK: Kind.HARDLINK,
    tar.SYMLINK: Kind.SYMLINK,
    tar.CHARACTER: Kind.DEVICE,
    tar.BLOCK_DEVICE: Kind.DEVICE,
    tar.DIRECTORY: Kind.DIRECTORY,
    tar.FIFO: Kind.FIFO,
}
_EXTENSIONS = frozenset({tar.PAX, tar.PAX_GLOBAL, tar.GNU_NAME, tar.GNU_LINK})


@dataclass(slots=True)
class _Overrides:
    """What extended headers say of the member that follows them."""

    name: bytes | None = None
    link: bytes | None = None
    size: int | None = None


def members(fd: int) -> Iterator[Member]:
    """The members of the tar in the file, in order. Raises InvalidParameter when it is damaged."""
    length = os.fstat(fd).st_size
    position = 0
    pending = _Overrides()
    while (header := _read_header(fd, position)) is not None:
        position += BLOCK
        size = header.size
        if header.kind in _EXTENSIONS:
            data = _read_extension(fd, position, size)
            if header.kind != tar.PAX_GLOBAL:
                _extend(pending, header.kind, data)
        else:
            member = _member(header, pending, position)
            if member.offset + member.size > length:
                raise DamagedTarError("unexpected EOF")
            yield member
            pending, size = _Overrides(), member.size
        position += -(-size // BLOCK) * BLOCK
    if pending != _Overrides():
        raise DamagedTarError("unexpected EOF")


def _read_header(fd: int, position: int) -> Header | None:
    """The header; None at the end, which is a block of zeros or that of the file."""
    block = os.pread(fd, BLOCK, position)
    if not block or block == tar.ZERO_BLOCK:
        return None
    if len(block) < BLOCK:
        raise DamagedTarError("unexpected EOF")
    header = tar.decode(block)
    if header.size < 0:
        raise DamagedTarError("invalid tar header")
    return header


def _read_extension(fd: int, position: int, size: int) -> bytes:
    if size > tar.EXTENSION_MAX:
        raise DamagedTarError("header field too long")
    data = os.pread(fd, size, position)
    if len(data) < size:
        raise DamagedTarError("unexpected EOF")
    return data


def _extend(pending: _Overrides, kind: bytes, data: bytes) -> None:
    if kind == tar.GNU_NAME:
        pending.name = tar.text(data)
    elif kind == tar.GNU_LINK:
        pending.link = tar.text(data)
    else:
        for key, value in tar.pax_records(data):
            _apply_record(pending, key, value)


def _apply_record(pending: _Overrides, key: bytes, value: bytes) -> None:
    if key == b"path":
        pending.name = value
    elif key == b"linkpath":
        pending.link = value
    elif key == b"size":
        pending.size = tar.decimal(value)
    elif key.startswith(b"GNU.sparse."):
        raise DamagedTarError("sparse files are not supported")


def _member(header: Header, pending: _Overrides, offset: int) -> Member:
    kind = header.kind
    if kind == tar.GNU_SPARSE:
        raise DamagedTarError("sparse files are not supported")
    found = _KINDS.get(kind, Kind.OTHER)
    name = header.name if pending.name is None else pending.name
    if kind == tar.OLD_REGULAR and name.endswith(b"/"):
        found = Kind.DIRECTORY  # as before POSIX
    size = header.size if pending.size is None else pending.size
    has_data = found in {Kind.FILE, Kind.OTHER}
    link = header.link if pending.link is None else pending.link
    return Member(_text(name), found, offset, size if has_data else 0, _text(link))


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
