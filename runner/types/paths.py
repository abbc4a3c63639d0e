"""Paths as text, by the rules of Go's path package, which API clients see through dockerd."""

from __future__ import annotations

import posixpath


def clean(path: str) -> str:
    """The shortest equivalent path (Go path.Clean); `.` for the empty one."""
    normal = posixpath.normpath(path)
    # POSIX leaves the meaning of two leading slashes to the system; Go and Linux have none.
    return normal[1:] if normal.startswith("//") else normal


def is_local(path: str) -> bool:
    """Whether the path is relative and, as text, stays below where it starts (filepath.IsLocal)."""
    cleaned = clean(path)
    return bool(path) and not path.startswith("/") and cleaned.split("/", 1)[0] != ".."


def depth(path: str) -> int:
    """By how many slashes the path goes down: mounts are made in this order (moby mountSort)."""
    return clean(path).count("/")
