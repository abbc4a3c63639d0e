"""Go's idea of a clean path."""

from __future__ import annotations

import posixpath


def clean(path: str) -> str:
    """filepath.Clean: POSIX lets a path begin with two slashes, Go does not."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def depth(path: str) -> int:
    """By how many slashes a clean path goes down (moby mountSort.parts)."""
    return clean(path).count("/")
