"""/etc/passwd and /etc/group as moby/sys/user reads them: misshapen lines and all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LINE_MAX: Final = 64 << 10  # bytes; bufio.MaxScanTokenSize
_INT64: Final = (1 << 63) - 1
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_SPACE: Final = b" \t\n\v\f\r"


@dataclass(frozen=True, slots=True)
class PasswdEntry:
    """A line of /etc/passwd, as far as needed."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """A line of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...]


def parse_passwd(content: bytes) -> Iterator[PasswdEntry]:
    """Entries in their order. Missing or misshapen numbers are 0; raises ValueError for lines
    that are too long."""
    for line in content.split(b"\n"):
        if len(line) >= _LINE_MAX:
            raise ValueError("bufio.Scanner: token too long")
        fields = _fields(line)
        if fields is not None:
            yield PasswdEntry(fields[0], _number(fields, 2), _number(fields, 3))


def parse_group(content: bytes) -> Iterator[GroupEntry]:
    """Entries in their order, comments left out, as glibc does."""
    for line in content.split(b"\n"):
        fields = _fields(line)
        if fields is not None and not fields[0].startswith("#"):
            members = fields[3].split(",") if len(fields) > 3 and fields[3] else []
            yield GroupEntry(fields[0], _number(fields, 2), tuple(members))


def _fields(line: bytes) -> list[str] | None:
    """The fields between colons, or None for an empty line."""
    stripped = line.strip(_SPACE)
    return stripped.decode(errors="surrogateescape").split(":") if stripped else None


def _number(fields: Sequence[str], place: int) -> int:
    """A field as a number; conversion errors are ignored, for "some misbehaving files"."""
    text = fields[place] if len(fields) > place else ""
    if not _INTEGER.fullmatch(text):
        return 0
    return max(-_INT64 - 1, min(_INT64, int(text[:32])))
