"""What is at a path, as `docker cp` is told it (moby containerFSView.Stat)."""

from __future__ import annotations

import os
import stat
from typing import Final

from runner.files.errors import PathError
from runner.files.messages import PathStat, shown
from runner.files.paths import base, resolve

_KINDS: Final = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_BITS: Final = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def path_stat(path: str) -> PathStat:
    """The file itself, links not followed; of a link, where it leads to. Raises PathError."""
    try:
        status = os.lstat(path)
    except OSError as err:
        raise PathError("lstat", path, err) from err
    return PathStat(
        name=shown(base(path)),
        size=status.st_size,
        mode=go_mode(status.st_mode),
        mtime_ns=status.st_mtime_ns,
        link_target=shown(resolve(path).path) if stat.S_ISLNK(status.st_mode) else "",
    )


def go_mode(mode: int) -> int:
    """A mode of stat(2) as Go's os.FileMode, which has bits of its own for all but permissions."""
    special = sum(to for bit, to in _BITS.items() if mode & bit)
    return mode & 0o777 | _KINDS.get(stat.S_IFMT(mode), 0) | special
