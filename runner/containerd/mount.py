"""Snapshot mounts made real: containerd's core/mount.

A snapshotter answers with mounts, "the lingua franca of containerd": type, source, target inside
the target, and options as fstab has them. Failures are System errors in containerd's words.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from runner.linux.libc import error_text, in_fresh_thread
from runner.linux.mount import MNT, MS, PROPAGATION, mount, umount
from runner.linux.namespaces import Clone, unshare
from runner.linux.rooted import opened_root, resolve_in_root
from runner.types.errors import NotImplementedYet, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PAGE_SIZE: Final = resource.getpagesize()
_COMPACT_FROM: Final = PAGE_SIZE - 512  # containerd's margin for what else is on the page
_BUSY_TRIES: Final = 5
_BUSY_PAUSE: Final = 0.02

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
_UNSUPPORTED: Final = ("uidmap=", "gidmap=", "X-containerd.")
_LOWERDIR: Final = "lowerdir="


class Mount(Protocol):
    """What this module needs of a mount (`runner.containerd.snapshots.Mount`)."""

    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def options(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class MountOptions:
    """fstab options, divided into the flags of mount(2) and the file system's own data."""

    flags: MS
    data: str
    propagation: MS


def parse_mount_options(options: Sequence[str]) -> MountOptions:
    """Divide the options (containerd parseMountOptions); the last of contrary flags wins.

    Raises NotImplementedYet for loop devices, ID mapping and unresolved manager options.
    """
    flags, propagation, data = MS(0), MS(0), []
    for option in options:
        if option == "loop" or option.startswith(_UNSUPPORTED):
            raise NotImplementedYet(f"mount option {option!r} is not supported")
        if option in _CLEAR:
            flags &= ~_CLEAR[option]
        elif (flag := _SET.get(option)) is None:
            data += [option] if option != "defaults" else []
        elif flag & PROPAGATION:
            propagation |= flag
        else:
            flags |= flag
    return MountOptions(flags, ",".join(data), propagation)


def mount_all(mounts: Sequence[Mount], target: Path) -> None:
    """Mount all onto `target`, in order (containerd mount.All). Blocks.

    On failure those already made are undone. Raises System, NotImplementedYet.
    """
    with contextlib.ExitStack() as undo:
        for each in mounts:
            undo.callback(unmount_once, _mount(each, target))
        undo.pop_all()


def unmount_once(target: Path) -> bool:
    """Take the topmost mount off `target`; False when there is none or no such path. Blocks.

    A mount that stays busy is detached: it vanishes from the tree now, and is released when its
    last user ends. Raises System.
    """
    for attempt in range(_BUSY_TRIES + 1):
        lazily = MNT.DETACH if attempt == _BUSY_TRIES else MNT(0)
        try:
            umount(target, MNT.NOFOLLOW | lazily)
            return True
        except OSError as err:
            # EINVAL: not a mount point. It has other meanings, which containerd squelches too.
            if err.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                return False
            if err.errno != errno.EBUSY or lazily:
                raise System(f"failed to unmount target {target}: {error_text(err)}") from err
        time.sleep(_BUSY_PAUSE)
    return False


def unmount_all(target: Path) -> None:
    """Take every mount stacked on `target` off (containerd UnmountAll). Idempotent. Blocks."""
    while unmount_once(target):
        pass


async def mount_all_in_thread(mounts: Sequence[Mount], target: Path) -> None:
    """`mount_all` beside the event loop. Cancelled, it finishes and undoes the mounts first."""
    work = asyncio.ensure_future(asyncio.to_thread(mount_all, mounts, target))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if work.exception() is None:
            for _ in mounts:
                unmount_once(target)
        raise


async def unmount_all_in_thread(target: Path) -> None:
    """`unmount_all` beside the event loop; it runs to its end even if the waiting is cancelled."""
    await asyncio.shield(asyncio.to_thread(unmount_all, target))


@contextlib.asynccontextmanager
async def temporary_mount(mounts: Sequence[Mount], parent: Path) -> AsyncIterator[Path]:
    """The mounts on a new directory below `parent`, gone at the end (containerd WithTempMount)."""
    target = Path(tempfile.mkdtemp(prefix="mount-", dir=parent))
    try:
        await mount_all_in_thread(mounts, target)
        try:
            yield target
        finally:
            await unmount_all_in_thread(target)
    finally:
        # rmdir, never rmtree: should something still be mounted, it must not be emptied.
        with contextlib.suppress(OSError):
            target.rmdir()


def _mount(each: Mount, target: Path) -> Path:
    """Make one mount; where it is."""
    if each.type.startswith(("fuse.", "fuse3.")):
        raise NotImplementedYet(f"mounts of type {each.type} are not supported")
    where = _subdirectory(target, each.target)
    chdir, options = compact_lowerdir(each.type, each.options)
    parsed = parse_mount_options(options)
    if len(parsed.data) > PAGE_SIZE:
        raise System("mount options is too long")
    if not parsed.flags & MS.REMOUNT or parsed.data:
        _mount_at(chdir, each, where, parsed)
    _adjust(where, parsed)
    return where


def _subdirectory(target: Path, inside: str) -> Path:
    if not inside:
        return target
    try:
        with opened_root(target) as root:
            return resolve_in_root(root, inside)
    except OSError as err:
        text = f'failed to join path "{inside}" with root "{target}": {error_text(err)}'
        raise System(text) from err


def _mount_at(chdir: str, each: Mount, where: Path, options: MountOptions) -> None:
    def work() -> None:
        if chdir:
            unshare(Clone.FS)  # so that only this thread changes its directory
            os.chdir(chdir)
        mount(each.source, where, each.type, options.flags, options.data)

    try:
        if chdir:
            in_fresh_thread(work)
        else:
            work()
    except OSError as err:
        text = (
            f'mount source: "{each.source}", target: "{where}", fstype: {each.type}, '
            f'flags: {int(options.flags)}, data: "{options.data}", err: {error_text(err)}'
        )
        raise System(text) from err


def _adjust(where: Path, options: MountOptions) -> None:
    """What the kernel takes in calls of their own: propagation, and read-only for binds."""
    try:
        if options.propagation:
            mount("", where, flags=options.propagation)
        if options.flags & MS.BIND and options.flags & MS.RDONLY:
            mount("", where, flags=options.flags | MS.REMOUNT)
    except OSError as err:
        unmount_once(where)
        raise System(f"failed to remount {where}: {error_text(err)}") from err


def compact_lowerdir(fstype: str, options: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Options that fit on the page which mount(2) copies, and the directory to mount from.

    When overlay's are too long, the layers are named relative to the directory that they share
    (containerd compactLowerdirOption); otherwise the directory is empty, the options unchanged.
    """
    lower = next((option for option in options if option.startswith(_LOWERDIR)), "")
    if fstype != "overlay" or not lower or sum(map(len, options)) < _COMPACT_FROM:
        return "", options
    layers = lower.removeprefix(_LOWERDIR).split(":")
    if len(layers) == 1 or not all(layer.startswith("/") for layer in layers):
        return "", options
    common = os.path.commonpath(layers)
    if common == "/" or common in layers:
        return "", options
    relative = [layer[len(common) + 1 :] for layer in layers]
    return common, [*(o for o in options if o is not lower), _LOWERDIR + ":".join(relative)]
