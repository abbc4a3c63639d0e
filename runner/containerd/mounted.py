"""Snapshot mounts made and taken away beside the event loop (containerd core/mount temp.go)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.containerd.mount import mount_all, unmount_all, unmount_once
from runner.linux.threads import to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.containerd.values import Mount


async def mount_all_in_thread(mounts: Sequence[Mount], target: Path) -> None:
    """`mount_all` beside the event loop. Cancelled, it finishes and undoes the mounts first."""
    made: list[bool] = []

    def work() -> None:
        mount_all(mounts, target)
        made.append(True)

    try:
        await to_end(work)
    except asyncio.CancelledError:
        for _ in mounts if made else ():
            unmount_once(target)
        raise


async def unmount_all_in_thread(target: Path) -> None:
    """`unmount_all` beside the event loop; it runs to its end even if the waiting is cancelled."""
    await to_end(unmount_all, target)


def remove_mount_point(path: Path) -> None:
    """Remove the directory that something was mounted on. Nothing to do is no error.

    A runtime that came too late, after the unmount, has made in it what it wanted to mount on:
    empty directories and files. Anything else stays. Raises OSError, also while something is
    mounted there.
    """
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError as err:
        if err.errno != errno.ENOTEMPTY:
            raise
        _remove_what_is_empty(path)
        path.rmdir()


def _remove_what_is_empty(folder: Path) -> None:
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            file = Path(parent, name)
            if stat.S_ISREG((found := file.lstat()).st_mode) and not found.st_size:
                file.unlink()
        for name in folders:
            Path(parent, name).rmdir()


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
