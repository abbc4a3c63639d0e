"""The mounts that a process sees: /proc/<pid>/mountinfo, proc(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class MountInfo:
    """One line. `optional` holds the propagation: `shared:N`, `master:N`, …; empty if private."""

    mount_id: int
    parent_id: int
    root: str
    mountpoint: str
    options: tuple[str, ...]
    optional: tuple[str, ...]
    fstype: str
    source: str
    super_options: tuple[str, ...]


def read_mounts(pid: int | str = "self") -> list[MountInfo]:
    """All mounts of a process, in the order in which they were made."""
    text = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape")
    return [parse_line(line) for line in text.splitlines()]


def parse_line(line: str) -> MountInfo:
    """One line of mountinfo, escapes undone."""
    fields = line.split(" ")
    separator = fields.index("-", 6)
    return MountInfo(
        mount_id=int(fields[0]),
        parent_id=int(fields[1]),
        root=_unescape(fields[3]),
        mountpoint=_unescape(fields[4]),
        options=tuple(fields[5].split(",")),
        optional=tuple(fields[6:separator]),
        fstype=_unescape(fields[separator + 1]),
        source=_unescape(fields[separator + 2]),
        super_options=tuple(fields[separator + 3].split(",")),
    )


def mount_of(path: str, mounts: Iterable[MountInfo]) -> MountInfo | None:
    """The mount that holds `path` (absolute, without links): the topmost of the longest match."""
    above = {str(path), *map(str, PurePosixPath(path).parents)}
    found: MountInfo | None = None
    for mount in mounts:
        longer = found is None or len(mount.mountpoint) >= len(found.mountpoint)
        if mount.mountpoint in above and longer:
            found = mount
    return found


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text
