"""unshare(2) and setns(2), which Python's os module has from 3.12 only. Both change one thread."""

from __future__ import annotations

import enum

from runner.linux.libc import LIBC, check


class Clone(enum.IntFlag):
    """CLONE_* of linux/sched.h."""

    NEWTIME = 0x00000080
    FS = 0x00000200
    NEWNS = 0x00020000
    NEWCGROUP = 0x02000000
    NEWUTS = 0x04000000
    NEWIPC = 0x08000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000


def unshare(flags: Clone) -> None:
    """Give this thread its own copy of what `flags` name. See unshare(2)."""
    check(LIBC.unshare(int(flags)))


def setns(descriptor: int, kind: Clone = Clone(0)) -> None:  # noqa: B008 (a constant)
    """Move this thread into the namespace behind a descriptor of /proc/…/ns/… (or a pidfd).

    `kind` makes the kernel check what the descriptor is; 0 takes any. See setns(2).
    """
    check(LIBC.setns(descriptor, int(kind)))
