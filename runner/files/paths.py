"""Paths by Go's rules, and links as they lead inside the present root.

Trailing `/` and `/.` mean something to `docker cp`: the path must be a directory, and its content
is meant rather than itself.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from runner.files.errors import FilesError, PathError
from runner.types.paths import clean

_LINKS_MAX = 255


def join_to_root(path: str) -> str:
    """The clean absolute path (filepath.Join("/", path))."""
    return clean(f"/{path}")


def base(path: str) -> str:
    """The last element; "." for an empty path, "/" for the root (filepath.Base)."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def split(path: str) -> tuple[str, str]:
    """The directory with its slash, and the file (filepath.Split)."""
    directory, slash, file = path.rpartition("/")
    return directory + slash, file


def preserve_trailing(cleaned: str, original: str) -> str:
    """Give a clean path the ending of the original (moby PreserveTrailingDotOrSeparator)."""
    if base(original) == "." and base(cleaned) != ".":
        cleaned = cleaned if cleaned.endswith("/") else cleaned + "/"
        cleaned += "."
    if original.endswith("/") and not cleaned.endswith("/"):
        cleaned += "/"
    return cleaned


def evaluate_links(path: str) -> str:
    """The path without links; everything on it must exist (filepath.EvalSymlinks).

    Raises FilesError.
    """
    done, pending, links = "/", _elements(path), 0
    while pending:
        element = pending.pop()
        if element == "..":
            done = os.path.dirname(done)
            continue
        here = os.path.join(done, element)
        mode = _lstat(here).st_mode
        if stat.S_ISLNK(mode):
            links += 1
            if links > _LINKS_MAX:
                raise FilesError("EvalSymlinks: too many links")
            target = os.readlink(here)
            done = "/" if target.startswith("/") else done
            pending += _elements(target)
        elif pending and not stat.S_ISDIR(mode):
            raise FilesError("not a directory")
        else:
            done = here
    return done


@dataclass(frozen=True, slots=True)
class Resolution:
    """A path without links. `by_absolute_link`: where links have led out of the directory that
    the path starts in, an absolute one was the first to do so."""

    path: str
    by_absolute_link: bool


def resolve(path: str) -> Resolution:
    """The path inside the present root, as far as there is something there; what does not exist
    is taken as it is (moby FollowSymlinkInScope, go-archive resolveFSRootPath).

    Raises FilesError.
    """
    done, pending, steps = "/", _elements(path), 0
    absolute = escaped = False
    while pending:
        steps += 1
        if steps > _LINKS_MAX:
            raise FilesError(f"evalSymlinksInScope: too many links in {path}")
        here = clean(os.path.join(done, pending.pop()))
        if here == "/" or not _is_link(here):
            done = here
            continue
        target = os.readlink(here)
        if target.startswith("/"):
            done, absolute = "/", True
        elif not absolute:
            escaped |= not is_local(os.fsencode(f"{done}/{target}".lstrip("/")))
        pending += _elements(target)
    return Resolution(done, by_absolute_link=absolute and not escaped)


def is_local(path: bytes) -> bool:
    """Whether the path, as text, does not lead out of where it starts (filepath.IsLocal)."""
    normal = os.path.normpath(path)
    return not normal.startswith((b"/", b"../")) and normal != b".."


def _elements(path: str) -> list[str]:
    """The elements, the first one last."""
    return [element for element in reversed(path.split("/")) if element not in ("", ".")]


def _lstat(path: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as err:
        raise PathError("lstat", path, err) from err


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
    except OSError as err:
        raise PathError("lstat", path, err) from err
