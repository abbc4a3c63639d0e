"""Where the members of a tar file are (POSIX pax interchange format, GNU long names).

Only headers are read. Python's tarfile would do, but it reads a pax header of any size into memory
and takes a damaged header for the end of the archive; both are an attacker's choice here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
HEADER_SIZE_MAX = 1 << 20
"""Bytes of one extended header, as Go's archive/tar has it; names have at most 4096."""

_ZERO_BLOCK = bytes(BLOCK)


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
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK, _GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"


@dataclass(slots=True)
class _Overrides:
    """What extended headers say of the member that follows them."""

    name: str | None = None
    link: str | None = None
    size: int | None = None


def members(fd: int) -> Iterator[Member]:
    """The members of the tar in the file, in order. Raises InvalidParameter when it is damaged."""
    length = os.fstat(fd).st_size
    position = 0
    pending = _Overrides()
    while (header := _read_header(fd, position)) is not None:
        position += BLOCK
        kind = header[156:157]
        size = _number(header[124:136])
        if kind in {_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK}:
            data = _read_extension(fd, position, size)
            if kind != _PAX_GLOBAL:
                _extend(pending, kind, data)
        else:
            member = _member(header, pending, position, size)
            if member.offset + member.size > length:
                raise _damaged("unexpected EOF")
            yield member
            pending, size = _Overrides(), member.size
        position += -(-size // BLOCK) * BLOCK
    if pending != _Overrides():
        raise _damaged("unexpected EOF")


def _damaged(reason: str) -> InvalidParameter:
    return InvalidParameter(f"archive/tar: {reason}")


def _read_header(fd: int, position: int) -> bytes | None:
    """The header block; None at the end, which is a block of zeros or that of the file."""
    block = os.pread(fd, BLOCK, position)
    if not block or block == _ZERO_BLOCK:
        return None
    if len(block) < BLOCK:
        raise _damaged("unexpected EOF")
    blanked = block[:148] + b" " * 8 + block[156:]
    if _number(block[148:156]) != sum(blanked):
        raise _damaged("invalid tar header")
    return block


def _number(field: bytes) -> int:
    """An octal number, or GNU's binary one for large values."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40:
            raise _damaged("invalid tar header")
        return value
    digits = field.strip(b" \0").decode("latin-1")
    if not digits:
        return 0
    if not digits.isascii() or not digits.isdigit() or set(digits) & {"8", "9"}:
        raise _damaged("invalid tar header")
    return int(digits, 8)


def _read_extension(fd: int, position: int, size: int) -> bytes:
    if size > HEADER_SIZE_MAX:
        raise _damaged("header field too long")
    data = os.pread(fd, size, position)
    if len(data) < size:
        raise _damaged("unexpected EOF")
    return data


def _extend(pending: _Overrides, kind: bytes, data: bytes) -> None:
    if kind == _GNU_NAME:
        pending.name = _text(data)
    elif kind == _GNU_LINK:
        pending.link = _text(data)
    else:
        for key, value in _pax_records(data):
            _apply_record(pending, key, value)


def _apply_record(pending: _Overrides, key: str, value: str) -> None:
    if key == "path":
        pending.name = value
    elif key == "linkpath":
        pending.link = value
    elif key == "size":
        if not (value.isascii() and value.isdecimal() and len(value) < 20):
            raise _damaged("invalid tar header")
        pending.size = int(value)
    elif key.startswith("GNU.sparse."):
        raise _damaged("sparse files are not supported")


def _pax_records(data: bytes) -> Iterator[tuple[str, str]]:
    """`length key=value\\n`, where the length counts the whole record."""
    while data:
        digits, space, _ = data[:21].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        if length > len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise _damaged("invalid tar header")
        key, _, value = record[:-1].partition(b"=")
        yield _text(key), _text(value)
        data = data[length:]


def _member(header: bytes, pending: _Overrides, offset: int, size: int) -> Member:
    kind = header[156:157]
    if kind == _GNU_SPARSE:
        raise _damaged("sparse files are not supported")
    found = _KINDS.get(kind, Kind.OTHER)
    name = _own_name(header) if pending.name is None else pending.name
    if kind == b"\0" and name.endswith("/"):
        found = Kind.DIRECTORY  # as before POSIX
    size = size if pending.size is None else pending.size
    has_data = found in {Kind.FILE, Kind.OTHER}
    link = _text(header[157:257]) if pending.link is None else pending.link
    return Member(name, found, offset, size if has_data else 0, link)


def _own_name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
