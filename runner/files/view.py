"""The container's file system as the only one there is (moby openContainerFS).

The process gets a mount namespace of its own, in which nothing comes from outside any more and
from which nothing gets out. What the container has mounted is opened while the host's paths can
still be seen, the root is exchanged, and then it is attached: what a destination means is decided
by the kernel inside the container's root, however fast somebody there exchanges links. The mounts
are gone with the process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from runner.containerd.mount import mount_all
from runner.files.errors import PathError
from runner.files.paths import resolve
from runner.linux.libc import error_text
from runner.linux.mount import (
    MS,
    attach_tree,
    clone_tree,
    make_tree_read_only,
    mount,
    switch_root,
)
from runner.linux.namespaces import Clone, unshare
from runner.linux.rooted import closing_fd, open_part
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.containerd.values import Mount
    from runner.files.messages import Bind, View

_MOUNT_POINT_MODE = 0o755


def enter(view: View) -> None:
    """Make the container's root this process's root, for good. Raises PathError, System."""
    _leave_the_host()
    with contextlib.ExitStack() as stack:
        # first: the root may be mounted upon the directory that mounted images are in
        trees = [(bind, *stack.enter_context(_opened(bind))) for bind in view.binds]
        mount_all(view.layers, Path(view.root))
        switch_root(view.root)
        for bind, tree, is_directory in trees:
            _attach(bind, tree, is_directory=is_directory)


def enter_both(old: Sequence[Mount], new: Sequence[Mount], upper: str, scratch: str) -> None:
    """Make a root with `/old`, `/new` and, where there is one, `/upper`. Raises System."""
    _leave_the_host()
    with contextlib.ExitStack() as stack:
        written = stack.enter_context(_cloned(upper, recursive=False)) if upper else None
        mount("tmpfs", scratch, "tmpfs", MS.NOSUID | MS.NODEV | MS.NOEXEC, "size=64k,mode=700")
        for name, mounts in (("old", old), ("new", new)):
            place = Path(scratch, name)
            place.mkdir()
            mount_all(mounts, place)
        if written is not None:
            Path(scratch, "upper").mkdir()
            attach_tree(written, Path(scratch, "upper"))
        switch_root(scratch)


def _leave_the_host() -> None:
    unshare(Clone.NEWNS)
    mount("", "/", flags=MS.PRIVATE | MS.REC)


@contextlib.contextmanager
def _opened(bind: Bind) -> Iterator[tuple[int, bool]]:
    """What is to be mounted, detached from the host's tree, and whether it is a directory."""
    with _source(bind) as source, closing_fd(clone_tree(source, recursive=bind.recursive)) as tree:
        if not bind.writable and bind.read_only_recursive:
            _make_read_only(bind, tree)
        yield tree, stat.S_ISDIR(os.stat(source).st_mode)


@contextlib.contextmanager
def _source(bind: Bind) -> Iterator[int]:
    try:
        source = os.open(bind.source, os.O_PATH | os.O_CLOEXEC)
    except OSError as err:
        raise PathError("stat", bind.source, err) from err
    with closing_fd(source):
        if not bind.subpath:
            yield source
            return
        try:
            part = open_part(source, bind.source, bind.subpath)
        except OSError as err:
            raise PathError("lstat", f"{bind.source}/{bind.subpath}", err) from err
        with closing_fd(part):
            yield part


@contextlib.contextmanager
def _cloned(path: str, *, recursive: bool) -> Iterator[int]:
    with (
        closing_fd(os.open(path, os.O_PATH | os.O_CLOEXEC)) as source,
        closing_fd(clone_tree(source, recursive=recursive)) as tree,
    ):
        yield tree


def _make_read_only(bind: Bind, tree: int) -> None:
    """What is mounted below too, if the kernel can."""
    try:
        make_tree_read_only(tree)
    except OSError as err:
        if bind.read_only_required:
            text = f'failed to apply MOUNT_ATTR_RDONLY with AT_RECURSIVE to "{bind.destination}"'
            raise System(f"{text}: {error_text(err)}") from err


def _attach(bind: Bind, tree: int, *, is_directory: bool) -> None:
    """Mount it inside the present root, where a mount point is made if there is none."""
    destination = resolve(bind.destination).path
    try:
        _ensure_mount_point(destination, is_directory=is_directory)
        attach_tree(tree, destination)
        if not bind.writable:
            mount("", destination, flags=MS.BIND | MS.REMOUNT | MS.RDONLY)
    except OSError as err:
        raise PathError("mount", f"{bind.source}:{destination}", err) from err


def _ensure_mount_point(path: str, *, is_directory: bool) -> None:
    """moby fileutils.CreateIfNotExists. Raises OSError: ENOTDIR where the kinds do not fit, as
    mount(2) has it."""
    try:
        if stat.S_ISDIR(os.stat(path).st_mode) is not is_directory:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except FileNotFoundError:
        place = Path(path)
        place.parent.mkdir(_MOUNT_POINT_MODE, parents=True, exist_ok=True)
        if is_directory:
            place.mkdir(_MOUNT_POINT_MODE)
        else:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MOUNT_POINT_MODE))
