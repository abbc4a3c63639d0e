"""Paths inside a root that may be hostile: neither `..` nor any link leads out of it.

What a container's image calls `/etc/passwd` can be a link to the host's. The kernel resolves
these paths itself, as if after chroot(2) (openat2(2) with RESOLVE_IN_ROOT, Linux 5.6), so there
is no moment between the check and the use.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from runner.linux.libc import LIBC, check
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYS_OPENAT2: Final = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_BENEATH: Final = 0x08
_RESOLVE_IN_ROOT: Final = 0x10
_MAX_LINKS: Final = 40  # the kernel's own MAXSYMLINKS
_MAX_RACES: Final = 32

_syscall = LIBC.syscall
_syscall.restype = ctypes.c_long


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def openat2(directory: int, path: str | bytes, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """openat2(2): a new descriptor, close-on-exec. Raises OSError."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    return check(
        _syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(directory),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        ),
        path,
    )


def open_in_root(root: int, path: str, flags: int = os.O_RDONLY, mode: int = 0) -> int:
    """Open `path` as a process chrooted to the directory `root` would; `mode` for O_CREAT only.

    Raises OSError, with ELOOP for magic links such as those below /proc.
    """
    creates = flags & (os.O_CREAT | os.O_TMPFILE)
    return _open(root, path or ".", flags, mode if creates else 0, _RESOLVE_IN_ROOT)


def open_beneath(directory: int, path: str | bytes, flags: int) -> int:
    """Open `path`, which neither links nor `..` may lead out of the directory, not for a moment.

    Raises OSError, with EXDEV when it leads out, as every absolute link does.
    """
    return _open(directory, path, flags, 0, _RESOLVE_BENEATH)


def open_part(base: int, shown: object, subpath: str) -> int:
    """Open a part of the directory `base`, `shown` to the user under this name, as O_PATH.

    Raises InvalidParameter when links lead out of it (moby safepath.ErrEscapesBase), OSError.
    """
    try:
        return open_beneath(base, subpath, os.O_PATH)
    except OSError as err:
        if err.errno != errno.EXDEV:
            raise
        text = f"path concatenation escapes the base directory, base: {shown}, subpath: {subpath}"
        raise InvalidParameter(text) from err


def _open(directory: int, path: str | bytes, flags: int, mode: int, resolve: int) -> int:
    for _ in range(_MAX_RACES):
        try:
            return openat2(directory, path, flags, mode, resolve | _RESOLVE_NO_MAGICLINKS)
        except BlockingIOError:
            continue  # something was renamed meanwhile, and the kernel cannot tell what: again
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


@contextlib.contextmanager
def opened_root(root: str | os.PathLike[str]) -> Iterator[int]:
    """The root as a descriptor, for the calls of this module."""
    with closing_fd(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as descriptor:
        yield descriptor


@contextlib.contextmanager
def closing_fd(descriptor: int) -> Iterator[int]:
    """Close the descriptor at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_in_root(root: int, path: str, limit: int = 1 << 24) -> bytes:
    """A regular file's content, at most `limit` bytes of it. Raises OSError."""
    # Without O_NONBLOCK, opening a FIFO of the image would wait for ever.
    with closing_fd(open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)) as descriptor:
        if not _is_regular(descriptor):
            raise OSError(errno.EINVAL, "not a regular file", path)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit)


def resolve_in_root(root: int, path: str) -> Path:
    """Where `path` is, seen from the host. True at this moment: whoever can write inside the root
    can change it. Raises OSError when it does not exist."""
    with closing_fd(open_in_root(root, path, os.O_PATH)) as descriptor:
        return real_path(descriptor)


def real_path(descriptor: int) -> Path:
    """The path that the kernel knows for a descriptor."""
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def make_dirs_in_root(
    root: int, path: str, mode: int = 0o755, owner: tuple[int, int] | None = None
) -> int:
    """Make the directory and its parents inside the root, as `mkdir -p`; a descriptor of it.

    Dangling links are followed inside the root, and what they name is made. Only new directories
    get `mode` and `owner` (UID, GID). Raises OSError: ENOTDIR when a file is in the way.
    """
    return _make_dirs(root, PurePosixPath("/", path), mode, owner, _MAX_LINKS)


def _make_dirs(
    root: int, path: PurePosixPath, mode: int, owner: tuple[int, int] | None, links: int
) -> int:
    with contextlib.suppress(FileNotFoundError):
        return open_in_root(root, str(path), os.O_RDONLY | os.O_DIRECTORY)
    if links == 0:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    with closing_fd(_make_dirs(root, path.parent, mode, owner, links)) as parent:
        try:
            os.mkdir(path.name, mode, dir_fd=parent)
        except FileExistsError:
            # A dangling link, or somebody else has just made the directory.
            target = _link_target(parent, path.name) or path.name
            return _make_dirs(root, path.parent / target, mode, owner, links - 1)
        return _own(parent, path.name, mode, owner)


def _link_target(parent: int, name: str) -> str | None:
    with contextlib.suppress(OSError):
        return os.readlink(name, dir_fd=parent)
    return None


def _own(parent: int, name: str, mode: int, owner: tuple[int, int] | None) -> int:
    """Open a new directory, whatever the umask took from it given back."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        if owner is not None:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_regular(descriptor: int) -> bool:
    return os.stat(descriptor).st_mode & 0o170000 == 0o100000
