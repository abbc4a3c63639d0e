"""A directory copied whole: owners, modes, times, xattrs, hard links, links, devices.

Works on descriptors only, so neither side can lead it out of its directory. As continuity's
fs.CopyDir, which moby uses. All functions block and raise OSError.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.linux.rooted import closing_fd, open_in_root

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_CHUNK: Final = 1 << 30  # of a copy inside the kernel: it copies what it likes of that
_BUFFER: Final = 1 << 20


def copy_tree(source: int, target: int) -> None:
    """Copy what is in the directory `source` into the empty directory `target`, which gets its
    owner, mode, times and xattrs. Both are descriptors, open for reading."""
    _Copy(source, target).run()


@dataclass(slots=True)
class _Copy:
    """One copy. Directories wait in a queue by their path: nesting costs no descriptors."""

    source: int
    target: int
    waiting: deque[str] = field(default_factory=lambda: deque(["."]))
    done: list[str] = field(default_factory=list)
    linked: dict[tuple[int, int], str] = field(default_factory=dict)

    def run(self) -> None:
        while self.waiting:
            path = self.waiting.popleft()
            self.copy_entries(path)
            self.done.append(path)
        for path in reversed(self.done):  # last, since what is made in them changes their times
            with self.open_both(path) as (source, target):
                _copy_attributes(source, target, os.fstat(source))

    @contextlib.contextmanager
    def open_both(self, path: str) -> Iterator[tuple[int, int]]:
        with (
            closing_fd(open_in_root(self.source, path, _DIRECTORY)) as source,
            closing_fd(open_in_root(self.target, path, _DIRECTORY)) as target,
        ):
            yield source, target

    def copy_entries(self, path: str) -> None:
        with self.open_both(path) as (source, target), os.scandir(source) as entries:
            for entry in entries:
                self.copy_entry(source, target, entry.name, f"{path}/{entry.name}")

    def copy_entry(self, source: int, target: int, name: str, path: str) -> None:
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            self.waiting.append(path)
        elif earlier := self.earlier_link(status, path):
            os.link(earlier, name, src_dir_fd=self.target, dst_dir_fd=target, follow_symlinks=False)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(source, target, name, status)
        else:
            _copy_special(source, target, name, status)

    def earlier_link(self, status: os.stat_result, path: str) -> str | None:
        """Where the same inode has been copied to, if it has."""
        if status.st_nlink < 2:
            return None
        earlier = self.linked.setdefault((status.st_dev, status.st_ino), path)
        return earlier if earlier != path else None


def _copy_file(source: int, target: int, name: str, status: os.stat_result) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with (
        closing_fd(os.open(name, flags, dir_fd=source)) as reader,
        closing_fd(os.open(name, _NEW_FILE, 0o600, dir_fd=target)) as writer,
    ):
        _copy_content(reader, writer)
        _copy_attributes(reader, writer, status)  # the access time of before it was read


def _copy_content(reader: int, writer: int) -> None:
    try:
        while os.copy_file_range(reader, writer, _CHUNK):
            pass
    except OSError as err:
        # Not on this kernel, or not between these two file systems.
        if err.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise
        with open(reader, "rb", closefd=False) as origin, open(writer, "wb", closefd=False) as copy:
            while chunk := origin.read(_BUFFER):
                copy.write(chunk)


def _copy_attributes(source: int, target: int, status: os.stat_result) -> None:
    """Owner before mode and xattrs: a change of owner clears set-user-ID and capabilities."""
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    _copy_xattrs(f"/proc/self/fd/{source}", f"/proc/self/fd/{target}", follow=True)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_special(source: int, target: int, name: str, status: os.stat_result) -> None:
    """Links, devices, FIFOs, sockets: by name, since they cannot be opened."""
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    else:
        os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)
    _copy_xattrs(f"/proc/self/fd/{source}/{name}", f"/proc/self/fd/{target}/{name}", follow=False)
    times = (status.st_atime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)


def _copy_xattrs(source: str, target: str, *, follow: bool) -> None:
    """All extended attributes; a file system that has none is no error."""
    with _ignoring_unsupported():
        for key in os.listxattr(source, follow_symlinks=follow):
            with _ignoring_unsupported():
                value = os.getxattr(source, key, follow_symlinks=follow)
                os.setxattr(target, key, value, follow_symlinks=follow)


@contextlib.contextmanager
def _ignoring_unsupported() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        if err.errno != errno.ENOTSUP:
            raise
