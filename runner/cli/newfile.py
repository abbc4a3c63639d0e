"""A file that is there whole or not at all (moby/sys/atomicwriter)."""

from __future__ import annotations

import os
import stat

from runner.cli.errors import CliError, os_error

_MODE = 0o600
_KINDS = (
    (stat.S_ISDIR, "cannot write to a directory"),
    (stat.S_ISLNK, "cannot write to a symbolic link directly"),
    (stat.S_ISFIFO, "cannot write to a named pipe (FIFO)"),
    (stat.S_ISSOCK, "cannot write to a socket"),
    (stat.S_ISCHR, "cannot write to a character device file"),
    (stat.S_ISBLK, "cannot write to a block device file"),
)


class NewFile:
    """Written under another name beside `path`, and renamed when the block ends after `keep`."""

    def __init__(self, path: str, failure: str) -> None:
        """`failure` goes before the messages of what is wrong with the path."""
        self._path = path
        self._failure = failure
        self._written = ""
        self._kept = False
        self.fd = -1
        """The descriptor to write to."""

    def __enter__(self) -> NewFile:
        """Make the file. Raises CliError where the path cannot be written."""
        fault = _fault(self._path)
        if fault:
            raise CliError(f"{self._failure}: {fault}")
        folder, _, name = os.path.abspath(self._path).rpartition("/")  # noqa: PTH100
        self._written = f"{folder}/.tmp-{name}{os.getpid()}"
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self.fd = os.open(self._written, flags, _MODE)
        except OSError as err:
            raise CliError(f"{self._failure}: {os_error(err)}") from err
        return self

    def keep(self) -> None:
        """All has been written."""
        self._kept = True

    def __exit__(self, *_: object) -> None:
        if self.fd < 0:
            return
        os.close(self.fd)
        if self._kept:
            os.rename(self._written, self._path)  # noqa: PTH104 - cheap import
        else:
            os.unlink(self._written)  # noqa: PTH108 - cheap import


def _fault(path: str) -> str:
    """What is wrong with a path as a file to make or replace; empty where nothing is."""
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        if folder not in ("", ".", "..") and not _is_folder(folder):
            return f"invalid output path: stat {folder}: not a directory"
    except OSError as err:
        return f"invalid output path: {os_error(err, 'stat')}"
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    except OSError as err:
        return f"failed to stat output path: {os_error(err, 'lstat')}"
    return next((text for is_kind, text in _KINDS if is_kind(mode)), "")


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - cheap import
