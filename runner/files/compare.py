"""What differs between two trees (moby go-archive ChangesDirs): `docker diff`.

moby walks both trees whole. Where an overlay tells what was written, only that is looked at here:
the result is the same, and a large image takes no longer than a small one. Siblings come by their
names, deleted ones last; in dockerd their order is random.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from runner.files.errors import PathError

if TYPE_CHECKING:
    from collections.abc import Iterable

MODIFIED, ADDED, DELETED = 0, 1, 2

Change = tuple[int, bytes]
"""What has become of a path."""

_OPAQUE: Final = ("trusted.overlay.opaque", "user.overlay.opaque")
_REDIRECT: Final = ("trusted.overlay.redirect", "user.overlay.redirect")
_SECOND: Final = 1_000_000_000


def compare(old: bytes, new: bytes, upper: bytes = b"") -> list[Change]:
    """The changes that make the tree at `old` that at `new`, directories before what is in them.

    `upper` is where an overlay keeps what makes the one the other. Raises PathError.
    """
    return _Comparison(old, new, upper).below(b"", was_directory=True)


class _Comparison:
    """Two trees, and the directory with what was written."""

    def __init__(self, old: bytes, new: bytes, upper: bytes) -> None:
        self._old, self._new, self._upper = old, new, upper

    def below(self, path: bytes, *, was_directory: bool) -> list[Change]:
        """The changes of everything below a directory of the new tree.

        `was_directory`: it is one in the old tree too. What is there may be a link, which must
        not be followed.
        """
        changes: list[Change] = []
        deleted: list[Change] = []
        names = self._candidates(path) if was_directory else _names(self._new + path)
        for name in sorted(names):
            child = b"%b/%b" % (path, name)
            old = _lstat(self._old + child) if was_directory else None
            new = _lstat(self._new + child)
            if new is not None:
                changes += self._of(child, old, new)
            elif old is not None:
                deleted.append((DELETED, child))
        return changes + deleted

    def _of(self, path: bytes, old: os.stat_result | None, new: os.stat_result) -> list[Change]:
        """Those of a file of the new tree and of what is below it (moby addChanges)."""
        below: list[Change] = []
        if stat.S_ISDIR(new.st_mode):
            below = self.below(path, was_directory=_is_directory(old))
        if old is None:
            return [(ADDED, path), *below]
        # a directory in which something has changed has changed too
        if below or _differ(old, new) or self._capabilities_differ(path, new):
            return [(MODIFIED, path), *below]
        return []

    def _candidates(self, path: bytes) -> Iterable[bytes]:
        """The names in a directory of both trees that may be other than before."""
        written = self._written(self._upper + path) if self._upper else None
        if written is not None:
            return written
        return {*_names(self._old + path), *_names(self._new + path)}

    @staticmethod
    def _written(upper: bytes) -> list[bytes] | None:
        """The names in the upper directory; None where others can have changed as well: it hides
        what is below it, or shows another directory than that of its name, or there is none."""
        if not _is_directory(_lstat(upper)) or _has_xattr(upper, _OPAQUE, b"y"):
            return None
        return None if _has_xattr(upper, _REDIRECT) else _names(upper)

    def _capabilities_differ(self, path: bytes, new: os.stat_result) -> bool:
        if not stat.S_ISREG(new.st_mode):
            return False
        return _capability(self._old + path) != _capability(self._new + path)


def _differ(old: os.stat_result, new: os.stat_result) -> bool:
    """moby statDifferent: size and time of a directory tell nothing."""
    if (old.st_mode, old.st_uid, old.st_gid, old.st_rdev) != (
        new.st_mode,
        new.st_uid,
        new.st_gid,
        new.st_rdev,
    ):
        return True
    if stat.S_ISDIR(new.st_mode):
        return False
    return old.st_size != new.st_size or not _same_time(old.st_mtime_ns, new.st_mtime_ns)


def _same_time(one: int, other: int) -> bool:
    """Equal, or within the second when one of them has come through a tar (moby sameFsTime)."""
    if one == other:
        return True
    whole = one % _SECOND == 0 or other % _SECOND == 0
    return whole and one // _SECOND == other // _SECOND


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as err:
        raise PathError("lstat", path, err) from err


def _names(path: bytes) -> list[bytes]:
    """What is in the directory; nothing when it is none, or none any more."""
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as err:
        raise PathError("open", path, err) from err


def _is_directory(status: os.stat_result | None) -> bool:
    return status is not None and stat.S_ISDIR(status.st_mode)


def _has_xattr(path: bytes, names: Iterable[str], value: bytes | None = None) -> bool:
    for name in names:
        try:
            found = os.getxattr(path, name, follow_symlinks=False)
        except OSError:
            continue
        if value is None or found == value:
            return True
    return False


def _capability(path: bytes) -> bytes:
    try:
        return os.getxattr(path, "security.capability", follow_symlinks=False)
    except OSError:
        return b""
