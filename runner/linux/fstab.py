"""fstab's mount options on mount(2): which are flags, which the file system's own data.

Source: containerd core/mount parseMountOptions, moby/sys/mount.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.linux.libc import in_fresh_thread
from runner.linux.mount import MNT, MS, PROPAGATION, PathLike, mount, umount
from runner.linux.namespaces import Clone, unshare

if TYPE_CHECKING:
    from collections.abc import Sequence

_SET: Final = {
    "bind": MS.BIND,
    "dirsync": MS.DIRSYNC,
    "mand": MS.MANDLOCK,
    "noatime": MS.NOATIME,
    "nodev": MS.NODEV,
    "nodiratime": MS.NODIRATIME,
    "noexec": MS.NOEXEC,
    "nosuid": MS.NOSUID,
    "rbind": MS.BIND | MS.REC,
    "relatime": MS.RELATIME,
    "remount": MS.REMOUNT,
    "ro": MS.RDONLY,
    "strictatime": MS.STRICTATIME,
    "sync": MS.SYNCHRONOUS,
    "private": MS.PRIVATE,
    "rprivate": MS.PRIVATE | MS.REC,
    "shared": MS.SHARED,
    "rshared": MS.SHARED | MS.REC,
    "slave": MS.SLAVE,
    "rslave": MS.SLAVE | MS.REC,
    "unbindable": MS.UNBINDABLE,
    "runbindable": MS.UNBINDABLE | MS.REC,
}
_CLEAR: Final = {
    "async": MS.SYNCHRONOUS,
    "atime": MS.NOATIME,
    "dev": MS.NODEV,
    "diratime": MS.NODIRATIME,
    "exec": MS.NOEXEC,
    "nomand": MS.MANDLOCK,
    "norelatime": MS.RELATIME,
    "nostrictatime": MS.STRICTATIME,
    "rw": MS.RDONLY,
    "suid": MS.NOSUID,
}


@dataclass(frozen=True, slots=True)
class MountOptions:
    """fstab options, divided. `propagation` needs a call of its own."""

    flags: MS
    data: str
    propagation: MS


def parse_mount_options(options: Sequence[str]) -> MountOptions:
    """Divide the options; of contrary flags the last wins, what is no flag is data."""
    flags, propagation, data = MS(0), MS(0), []
    for option in options:
        if option in _CLEAR:
            flags &= ~_CLEAR[option]
        elif (flag := _SET.get(option)) is None:
            data += [option] if option != "defaults" else []
        elif flag & PROPAGATION:
            propagation |= flag
        else:
            flags |= flag
    return MountOptions(flags, ",".join(data), propagation)


def mount_fstab(
    source: PathLike, target: PathLike, fstype: str, options: MountOptions, directory: str = ""
) -> None:
    """Mount, then what the kernel takes only afterwards: propagation, and read-only for binds.

    With `directory`, relative paths in the options start there; the process stays where it is.
    Raises OSError.
    """
    if not options.flags & MS.REMOUNT or options.data:
        _mount_from(directory, source, target, fstype, options)
    try:
        if options.propagation:
            mount("", target, flags=options.propagation)
        if options.flags & MS.BIND and options.flags & MS.RDONLY:
            mount("", target, flags=options.flags | MS.REMOUNT)
    except OSError:
        umount(target, MNT.NOFOLLOW | MNT.DETACH)
        raise


def _mount_from(
    directory: str, source: PathLike, target: PathLike, fstype: str, options: MountOptions
) -> None:
    def work() -> None:
        if directory:
            unshare(Clone.FS)  # so that only this thread changes its directory
            os.chdir(directory)
        mount(source, target, fstype, options.flags, options.data)

    if directory:
        in_fresh_thread(work)
    else:
        work()
