"""A part of a volume or image, pinned so that nobody can exchange it (moby internal/safepath)."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from runner.containerd.mount import unmount_all
from runner.linux.libc import error_text
from runner.linux.mount import MS, mount
from runner.linux.rooted import closing_fd, open_part, opened_root
from runner.types.errors import NotFound, System

if TYPE_CHECKING:
    from pathlib import Path


def pin(base: Path, subpath: str, pinned: Path) -> None:
    """Bind what `subpath` of the directory `base` is now to the new path `pinned`.

    Between the look and the container's start a process with the volume open could replace a
    directory by a link to the host's; the bind keeps what was looked at. Raises InvalidParameter
    when a link leads out, as every absolute one does, wherever to; NotFound, System.
    """
    try:
        with (
            opened_root(base) as root,
            closing_fd(open_part(root, base, subpath)) as found,
        ):
            _make_like(found, pinned)
            mount(f"/proc/self/fd/{found}", pinned, flags=MS.BIND)
    except FileNotFoundError as err:
        path = base / subpath
        text = f"cannot access path {path}: lstat {path}: {error_text(err)}"
        raise NotFound(text) from err
    except OSError as err:
        text = f"failed to mount resolved path {base / subpath}: {error_text(err)}"
        raise System(text) from err


def unpin(pinned: Path) -> None:
    """Take the bind and its mount point away; the container keeps its own. Idempotent."""
    unmount_all(pinned)
    with contextlib.suppress(OSError):
        if pinned.is_dir():
            pinned.rmdir()
        else:
            pinned.unlink()


def _make_like(found: int, pinned: Path) -> None:
    """A mount point of the same kind."""
    pinned.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(os.stat(found).st_mode):
        pinned.mkdir(mode=0o700, exist_ok=True)
    else:
        pinned.touch(mode=0o600)
