"""mount(2), umount2(2), pivot_root(2), and mounts as descriptors: open_tree(2) and its kin."""

from __future__ import annotations

import ctypes
import enum
import os
from typing import Final

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
_syscall = LIBC.syscall
_syscall.restype = ctypes.c_long

# The same on every architecture.
_SYS_OPEN_TREE: Final = 428
_SYS_MOVE_MOUNT: Final = 429
_SYS_MOUNT_SETATTR: Final = 442

_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 0x04
_MOVE_MOUNT_T_SYMLINKS: Final = 0x10
_MOUNT_ATTR_RDONLY: Final = 1
_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000

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


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def clone_tree(descriptor: int, *, recursive: bool) -> int:
    """A copy of what is mounted where the descriptor (O_PATH) is, attached nowhere; a descriptor
    of it. `recursive` copies what is mounted below it too (open_tree(2), Linux 5.2)."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_EMPTY_PATH
    return check(
        _syscall(
            ctypes.c_long(_SYS_OPEN_TREE),
            ctypes.c_int(descriptor),
            ctypes.c_char_p(b""),
            ctypes.c_uint(flags | (_AT_RECURSIVE if recursive else 0)),
        )
    )


def attach_tree(tree: int, target: PathLike) -> None:
    """Mount the copy that `clone_tree` has made; links at the target are followed.

    Raises OSError that names the target: ENOTDIR when one is a directory and the other is not.
    """
    result = _syscall(
        ctypes.c_long(_SYS_MOVE_MOUNT),
        ctypes.c_int(tree),
        ctypes.c_char_p(b""),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_SYMLINKS),
    )
    check(result, os.fspath(target))


def make_tree_read_only(tree: int) -> None:
    """Nothing can be written any more through the copy that `clone_tree` has made, nor through
    what is mounted below it (mount_setattr(2), Linux 5.12)."""
    attributes = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY)
    check(
        _syscall(
            ctypes.c_long(_SYS_MOUNT_SETATTR),
            ctypes.c_int(tree),
            ctypes.c_char_p(b""),
            ctypes.c_uint(_AT_EMPTY_PATH | _AT_RECURSIVE),
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
        )
    )


def switch_root(path: PathLike) -> None:
    """Make the mount at `path` the root of this mount namespace, and forget the old one.

    Only for a namespace that is this process's own, whose mounts are private: see pivot_root(2).
    Where the root cannot be exchanged (it is the kernel's first one), the process is confined to
    `path` instead, as chroot(2) does.
    """
    os.chdir(path)
    try:
        # Both names the new root: the old one is stacked upon it, and taken off.
        check(LIBC.pivot_root(b".", b"."))
    except OSError:
        os.chroot(".")
    else:
        umount(".", MNT.DETACH)
    os.chdir("/")
