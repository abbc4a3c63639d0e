"""Headers: a block of 512 bytes, and the records that say what does not fit into it."""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLOCK: Final = 512
ZERO_BLOCK: Final = bytes(BLOCK)
EXTENSION_MAX: Final = 1 << 20
"""Bytes of one extended header, as Go's archive/tar has it; names have at most 4096."""

XATTR: Final = b"SCHILY.xattr."
"""Begins the keys of pax records that hold extended attributes."""

REGULAR, OLD_REGULAR, LINK, SYMLINK = b"0", b"\0", b"1", b"2"
CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"3", b"4", b"5", b"6"
PAX, PAX_GLOBAL, GNU_NAME, GNU_LINK, GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"

HEADER_ONLY: Final = frozenset({LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO})
"""Kinds of members without data, whatever their size says."""

_FIELDS: Final = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
_SUM: Final = slice(148, 156)
_USTAR: Final = b"ustar\x0000"
_BLANKS: Final = sum(b" " * 8)
_NANOSECONDS: Final = 1_000_000_000
_TEXTS: Final = frozenset({b"path", b"linkpath", b"uname", b"gname"})


class DamagedTarError(InvalidParameter):
    """What should be a tar is none, or not all of one."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"archive/tar: {reason}")


@dataclass(slots=True)
class Header:
    """A member, its extensions included. Times in nanoseconds since the epoch, None when not told.

    `kind` is the type flag; `records` are those of the pax header, or what it is to have besides
    what follows from the other fields. `size` is 0 for members without data.
    """

    name: bytes = b""
    kind: bytes = REGULAR
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime_ns: int = 0
    atime_ns: int | None = None
    link: bytes = b""
    major: int = 0
    minor: int = 0
    records: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def xattrs(self) -> dict[bytes, bytes]:
        """Extended attributes by their names."""
        return {
            key.removeprefix(XATTR): value
            for key, value in self.records.items()
            if key.startswith(XATTR)
        }


# --- reading ---------------------------------------------------------------------------------


def decode(block: bytes) -> Header:
    """The header in a block, without what extensions say. Raises DamagedTarError."""
    (
        name,
        mode,
        uid,
        gid,
        size,
        mtime,
        checksum,
        kind,
        link,
        magic,
        _user,
        _group,
        major,
        minor,
        prefix,
    ) = _FIELDS.unpack(block)
    _verify(block, number(checksum))
    name = text(name)
    if magic == _USTAR and prefix[0]:
        name = text(prefix) + b"/" + name
    return Header(
        name=name,
        kind=kind,
        mode=number(mode),
        uid=number(uid),
        gid=number(gid),
        size=number(size),
        mtime_ns=number(mtime) * _NANOSECONDS,
        link=text(link),
        major=number(major) if kind in (CHARACTER, BLOCK_DEVICE) else 0,
        minor=number(minor) if kind in (CHARACTER, BLOCK_DEVICE) else 0,
    )


def _verify(block: bytes, checksum: int) -> None:
    """Some old programs have taken the bytes for signed ones when they summed them up."""
    total = sum(block) - sum(block[_SUM]) + _BLANKS
    if checksum != total and checksum != total - 256 * sum(
        byte >> 7 for at, byte in enumerate(block) if not 148 <= at < 156
    ):
        raise DamagedTarError("invalid tar header")


def text(field_: bytes) -> bytes:
    """A text field, which ends at its first NUL."""
    return field_.partition(b"\0")[0]


@functools.lru_cache(maxsize=1 << 12)
def number(field_: bytes) -> int:
    """An octal number, or GNU's binary one; most come again and again. Raises DamagedTarError."""
    if field_[0] & 0x80:
        value = int.from_bytes(field_, "big", signed=False) & ((1 << (8 * len(field_) - 1)) - 1)
        negative = field_[0] & 0x40
        return value - (1 << (8 * len(field_) - 1)) if negative else value
    digits = text(field_.strip(b" \0"))
    if not digits:
        return 0
    try:
        return int(digits, 8) if digits.isdigit() else _misread()
    except ValueError:
        return _misread()


def _misread() -> int:
    raise DamagedTarError("invalid tar header")


def pax_records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """`length key=value\\n`, where the length counts the whole record. Raises DamagedTarError."""
    while data:
        digits, space, _ = data[:21].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record[:-1].partition(b"=")
        if length > len(data) or not record.endswith(b"\n") or not equals or not key:
            raise DamagedTarError("invalid tar header")
        if b"\0" in (value if key in _TEXTS else key):
            raise DamagedTarError("invalid tar header")
        yield key, value
        data = data[length:]


def decimal(value: bytes) -> int:
    """A number in a pax record. Raises DamagedTarError."""
    if not value.isdigit() or len(value) > 19:
        raise DamagedTarError("invalid tar header")
    return int(value)


def pax_time(value: bytes) -> int:
    """A time in a pax record, in nanoseconds. Raises DamagedTarError."""
    seconds, _, fraction = value.partition(b".")
    negative = seconds.startswith(b"-")
    whole = decimal(seconds.removeprefix(b"-")) * _NANOSECONDS
    nanoseconds = whole + (decimal(fraction[:9].ljust(9, b"0")) if fraction else 0)
    return -nanoseconds if negative else nanoseconds


# --- writing ---------------------------------------------------------------------------------

_NAME_MAX: Final = 100
_ID_MAX: Final = 0o7777777
_SIZE_MAX: Final = 0o77777777777
_FORMAT: Final = (
    b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %b%b"
    + _USTAR
    + bytes(64)
    + b"%07o\0%07o\0"
    + bytes(155 + 12)
)
"""A block whose sum is still to be written; eight blanks are in its place."""


def encode(header: Header) -> bytes:
    """The blocks of a member's header, with an extended one before it where that is needed.

    Times are told in whole seconds.
    """
    if _fits(header):
        return _block(header)
    records = _records(header)
    data = b"".join(_record(key, records[key]) for key in sorted(records))
    head, _, tail = header.name.rstrip(b"/").rpartition(b"/")
    name = b"/".join(filter(None, (head, b"PaxHeaders.0", tail)))
    extension = Header(name=name, kind=PAX, size=len(data))
    return _block(extension) + padded(data) + _block(header)


def padded(data: bytes) -> bytes:
    """The data, filled up with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def _fits(header: Header) -> bool:
    """Whether the block has room for everything."""
    return (
        not header.records
        and len(header.name) <= _NAME_MAX
        and len(header.link) <= _NAME_MAX
        and header.name.isascii()
        and header.link.isascii()
        and 0 <= header.uid <= _ID_MAX
        and 0 <= header.gid <= _ID_MAX
        and 0 <= header.size <= _SIZE_MAX
        and 0 <= header.mtime_ns <= _SIZE_MAX * _NANOSECONDS
    )


def _records(header: Header) -> dict[bytes, bytes]:
    """What the block has no room for, besides the records that the header has already."""
    texts = ((b"path", header.name), (b"linkpath", header.link))
    numbers = (
        (b"uid", header.uid, _ID_MAX),
        (b"gid", header.gid, _ID_MAX),
        (b"size", header.size, _SIZE_MAX),
        (b"mtime", header.mtime_ns // _NANOSECONDS, _SIZE_MAX),
    )
    long = {key: value for key, value in texts if len(value) > _NAME_MAX or not value.isascii()}
    large = {key: b"%d" % value for key, value, most in numbers if not 0 <= value <= most}
    return {**header.records, **long, **large}


def _record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length += 1
    return b"%d %b=%b\n" % (length, key, value)


def _block(header: Header) -> bytes:
    """What does not fit is cut off, or 0: then a record tells."""
    block = _FORMAT % (
        _cut(header.name),
        header.mode,
        _at_most(header.uid, _ID_MAX),
        _at_most(header.gid, _ID_MAX),
        _at_most(header.size, _SIZE_MAX),
        _at_most(header.mtime_ns // _NANOSECONDS, _SIZE_MAX),
        header.kind,
        _cut(header.link),
        _at_most(header.major, _ID_MAX),
        _at_most(header.minor, _ID_MAX),
    )
    return b"%b%06o\0 %b" % (block[:148], sum(block), block[156:])


def _cut(value: bytes) -> bytes:
    ascii_ = value if value.isascii() else bytes(byte for byte in value if byte < 0x80)
    return ascii_[:_NAME_MAX].ljust(_NAME_MAX, b"\0")


def _at_most(value: int, most: int) -> int:
    return value if 0 <= value <= most else 0
