"""Failures as Go tells them."""

from __future__ import annotations

import errno

from runner.files.messages import shown
from runner.linux.libc import error_text


class FilesError(Exception):
    """The job cannot be done; the text is for the user."""


class PathError(FilesError):
    """What was attempted, on which path, and the kernel's answer (Go's fs.PathError)."""

    def __init__(self, operation: str, path: bytes | str, cause: OSError) -> None:
        super().__init__(f"{operation} {shown(path)}: {error_text(cause)}")
        self.missing = cause.errno == errno.ENOENT


class LinkError(PathError):
    """The same of two paths (os.LinkError)."""

    def __init__(self, operation: str, old: bytes, new: bytes, cause: OSError) -> None:
        super().__init__(operation, old + b" " + new, cause)
