"""mount(2) and umount2(2)."""

from __future__ import annotations

import ctypes
import enum
import os

from runner.linux.libc import LIBC, check

_mount = LIBC.mount
_mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_umount2 = LIBC.umount2
_umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)

PathLike = str | os.PathLike[str]


class MS(enum.IntFlag):
    """MS_* of linux/mount.h: the flags of mount(2)."""

    RDONLY = 1
    NOSUID = 1 << 1
    NODEV = 1 << 2
    NOEXEC = 1 << 3
    SYNCHRONOUS = 1 << 4
    REMOUNT = 1 << 5
    MANDLOCK = 1 << 6
    DIRSYNC = 1 << 7
    NOSYMFOLLOW = 1 << 8
    NOATIME = 1 << 10
    NODIRATIME = 1 << 11
    BIND = 1 << 12
    MOVE = 1 << 13
    REC = 1 << 14
    SILENT = 1 << 15
    UNBINDABLE = 1 << 17
    PRIVATE = 1 << 18
    SLAVE = 1 << 19
    SHARED = 1 << 20
    RELATIME = 1 << 21
    STRICTATIME = 1 << 24


class MNT(enum.IntFlag):
    """The flags of umount2(2)."""

    FORCE = 1
    DETACH = 2
    EXPIRE = 4
    NOFOLLOW = 8


PROPAGATION = MS.SHARED | MS.PRIVATE | MS.SLAVE | MS.UNBINDABLE
"""Flags that change how mounts propagate; the kernel takes them in a call of their own."""


def mount(
    source: PathLike,
    target: PathLike,
    fstype: str = "",
    flags: MS = MS(0),  # noqa: B008 (a constant)
    data: str = "",
) -> None:
    """One mount(2). Raises OSError that names the target."""
    result = _mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(fstype) if fstype else None,
        int(flags),
        os.fsencode(data) if data else None,
    )
    check(result, os.fspath(target))


def umount(target: PathLike, flags: MNT = MNT.NOFOLLOW) -> None:
    """One umount2(2): the topmost mount of `target`.

    Raises OSError: EINVAL when nothing is mounted there, ENOENT, EBUSY when it is in use.
    """
    check(_umount2(os.fsencode(target), int(flags)), os.fspath(target))
