"""Sparse files in pax archives: where their data belong (GNU tar manual, Sparse Formats).

GNU tar writes the formats 0.0, 0.1 and 1.0 as regular members with pax records. Its oldest format
has a type flag of its own, which dockerd refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.tar.header import BLOCK, EXTENSION_MAX, DamagedTarError, decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Piece = tuple[int, int]
"""Offset and size of a part of the file that has data; all else is zeros."""

OFFSET, NUMBYTES, MAP = b"GNU.sparse.offset", b"GNU.sparse.numbytes", b"GNU.sparse.map"
_PIECES_MAX: Final = 1 << 16
"""More than files have; a map is held in memory."""


def real_name(records: Mapping[bytes, bytes]) -> bytes:
    """The file's own name, where the member has another; else empty."""
    return records.get(b"GNU.sparse.name", b"")


def real_size(records: Mapping[bytes, bytes]) -> int | None:
    """The file's own size; None when the records do not tell."""
    told = records.get(b"GNU.sparse.realsize", b"") or records.get(b"GNU.sparse.size", b"")
    return decimal(told) if told else None


def is_sparse(records: Mapping[bytes, bytes]) -> bool:
    """Whether the records speak of a sparse file."""
    version = _version(records)
    return version in ((b"0", b"0"), (b"0", b"1"), (b"1", b"0")) or (
        version == (b"", b"") and MAP in records
    )


def read_map(
    records: Mapping[bytes, bytes], take: Callable[[int], bytes], size: int
) -> list[Piece]:
    """The pieces of a file of `size` bytes; format 1.0 has them before the data, where `take`
    reads them. Raises DamagedTarError."""
    in_data = _version(records) == (b"1", b"0")
    numbers = _numbers_of_data(take) if in_data else _numbers_of_record(records)
    pieces = list(zip(numbers[::2], numbers[1::2], strict=True))
    _verify(pieces, size)
    return pieces


def _version(records: Mapping[bytes, bytes]) -> tuple[bytes, bytes]:
    return records.get(b"GNU.sparse.major", b""), records.get(b"GNU.sparse.minor", b"")


def _numbers_of_record(records: Mapping[bytes, bytes]) -> Sequence[int]:
    count = decimal(records.get(b"GNU.sparse.numblocks", b""))
    words = records.get(MAP, b"").split(b",") if records.get(MAP) else []
    if len(words) != 2 * count or count > _PIECES_MAX:
        raise DamagedTarError("invalid tar header")
    return [decimal(word) for word in words]


def _numbers_of_data(take: Callable[[int], bytes]) -> Sequence[int]:
    """Lines of decimal numbers, their count first, filled up to whole blocks: no more of them than
    of any other header."""
    lines: list[bytes] = []
    rest, left = b"", EXTENSION_MAX
    while not lines or len(lines) < 1 + 2 * _count(lines[0]):
        block = take(BLOCK)
        left -= BLOCK
        if len(block) < BLOCK or left < 0:
            raise DamagedTarError("invalid tar header")
        *complete, rest = (rest + block).split(b"\n")
        lines += complete
    return [decimal(line) for line in lines[1 : 1 + 2 * _count(lines[0])]]


def _count(line: bytes) -> int:
    count = decimal(line)
    if count > _PIECES_MAX:
        raise DamagedTarError("invalid tar header")
    return count


def _verify(pieces: Iterable[Piece], size: int) -> None:
    """In order, apart from each other, within the file."""
    end = 0
    for offset, length in pieces:
        if offset < end or offset + length > size:
            raise DamagedTarError("invalid tar header")
        end = offset + length
