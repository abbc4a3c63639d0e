"""Snapshot mounts made real: containerd's core/mount.

A snapshotter answers with mounts, "the lingua franca of containerd": type, source, target inside
the target, and options as fstab has them. Failures are System errors in containerd's words.
Everything here blocks; `mounted` has what is awaited.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.linux.fstab import mount_fstab, parse_mount_options
from runner.linux.libc import error_text
from runner.linux.mount import MNT, umount
from runner.linux.rooted import opened_root, resolve_in_root
from runner.types.errors import NotImplementedYet, System

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.containerd.values import Mount

PAGE_SIZE: Final = resource.getpagesize()
_COMPACT_FROM: Final = PAGE_SIZE - 512  # containerd's margin for what else is on the page
_BUSY_TRIES: Final = 5
_BUSY_PAUSE: Final = 0.02

_UNSUPPORTED: Final = ("uidmap=", "gidmap=", "X-containerd.")
_LOWERDIR: Final = "lowerdir="
_UPPERDIR: Final = "upperdir="


def mount_all(mounts: Sequence[Mount], target: Path) -> None:
    """Mount all onto `target`, in order (containerd mount.All). Blocks.

    On failure those already made are undone. Raises System, NotImplementedYet.
    """
    with contextlib.ExitStack() as undo:
        for each in mounts:
            undo.callback(unmount_once, _mount(each, target))
        undo.pop_all()


def read_only(mounts: Sequence[Mount]) -> list[Mount]:
    """The same mounts for looking only (containerd readonlyMounts).

    An overlay's upper directory becomes the uppermost of the lower ones: what a container has
    mounted for writing must not be mounted for writing a second time.
    """
    return [replace(each, options=_read_only_options(each)) for each in mounts]


def _read_only_options(each: Mount) -> tuple[str, ...]:
    if each.type != "overlay":
        return (*(option for option in each.options if option not in ("rw", "ro")), "ro")
    upper = upper_directory(each)
    return tuple(
        f"{_LOWERDIR}{upper}:{option.removeprefix(_LOWERDIR)}"
        if upper and option.startswith(_LOWERDIR)
        else option
        for option in each.options
        if not option.startswith((_UPPERDIR, "workdir="))
    )


def upper_directory(each: Mount) -> str:
    """Where an overlay keeps what is written to it; empty for other mounts."""
    if each.type != "overlay":
        return ""
    found = next((option for option in each.options if option.startswith(_UPPERDIR)), "")
    return found.removeprefix(_UPPERDIR)


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


def _mount(each: Mount, target: Path) -> Path:
    """Make one mount; where it is."""
    _check_supported(each)
    where = _subdirectory(target, each.target)
    directory, options = compact_lowerdir(each.type, each.options)
    parsed = parse_mount_options(options)
    if len(parsed.data) > PAGE_SIZE:
        raise System("mount options is too long")
    try:
        mount_fstab(each.source, where, each.type, parsed, directory)
    except OSError as err:
        text = (
            f'mount source: "{each.source}", target: "{where}", fstype: {each.type}, '
            f'flags: {int(parsed.flags)}, data: "{parsed.data}", err: {error_text(err)}'
        )
        raise System(text) from err
    return where


def _check_supported(each: Mount) -> None:
    if each.type.startswith(("fuse.", "fuse3.")):
        raise NotImplementedYet(f"mounts of type {each.type} are not supported")
    for option in each.options:
        if option == "loop" or option.startswith(_UNSUPPORTED):
            raise NotImplementedYet(f"mount option {option!r} is not supported")


def _subdirectory(target: Path, inside: str) -> Path:
    if not inside:
        return target
    try:
        with opened_root(target) as root:
            return resolve_in_root(root, inside)
    except OSError as err:
        text = f'failed to join path "{inside}" with root "{target}": {error_text(err)}'
        raise System(text) from err


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
