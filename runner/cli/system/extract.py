"""Unpacking a bundle, whose archive is not trusted: nothing may land outside the folder.

A root file system holds absolute links, links out of itself and device nodes, all of which are
right there and none of which may be followed here. So the archive is first unpacked by name alone,
every folder on an entry's way opened without following links, and links are made last of all.
"""

from __future__ import annotations

import os
import stat
import tarfile
from typing import IO, TYPE_CHECKING, cast

from runner.cli.chunks import Chunks
from runner.cli.errors import CliError, os_error

if TYPE_CHECKING:
    from collections.abc import Iterator


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20


def extract(chunks: Iterator[bytes], directory: str) -> None:
    """Unpack a tar stream into a new or empty folder.

    Raises CliError when the archive is broken, names something outside, or cannot be written.
    """
    try:
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - descriptors rule here
        root = os.open(directory, _FOLDER)
    except OSError as err:
        raise CliError(os_error(err)) from err
    try:
        stream = cast("IO[bytes]", Chunks(chunks))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            _unpack(archive, root)
    except tarfile.TarError as err:
        raise CliError(f"the engine's bundle is no proper archive: {err}") from err
    except OSError as err:
        raise CliError(os_error(err)) from err
    finally:
        os.close(root)


def _unpack(archive: tarfile.TarFile, root: int) -> None:
    links: list[tarfile.TarInfo] = []
    folders: list[tarfile.TarInfo] = []
    for entry in archive:
        if entry.issym():
            links.append(entry)
            continue
        if entry.isdir():
            folders.append(entry)
        _make(archive, entry, root)
    for entry in links:
        parent, name = _open_parent(root, entry.name)
        try:
            os.symlink(entry.linkname, name, dir_fd=parent)
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)
    for entry in reversed(folders):  # last: what was made inside has touched their times
        _finish(entry, root)


def _components(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise CliError(f"the engine's bundle names a path outside itself: {name}")
    return parts


def _open_parent(root: int, name: str) -> tuple[int, str]:
    """The folder that holds the entry, made where it is missing, and the entry's last name."""
    parts = _components(name) or ["."]
    current = os.dup(root)
    for part in parts[:-1]:
        try:
            following = _open_folder(current, part)
        finally:
            os.close(current)
        current = following
    return current, parts[-1]


def _open_folder(parent: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


def _make(archive: tarfile.TarFile, entry: tarfile.TarInfo, root: int) -> None:
    parent, name = _open_parent(root, entry.name)
    try:
        if entry.isdir():
            if name != ".":
                os.close(_open_folder(parent, name))
        elif entry.islnk():
            _make_hard_link(entry, root, parent, name)
        elif entry.isfile():
            _make_file(archive, entry, parent, name)
        elif entry.ischr() or entry.isblk() or entry.isfifo():
            _make_node(entry, parent, name)
        else:
            raise CliError(f"the engine's bundle has an entry of unknown kind: {entry.name}")
    finally:
        os.close(parent)


def _make_file(archive: tarfile.TarFile, entry: tarfile.TarInfo, parent: int, name: str) -> None:
    content = archive.extractfile(entry)
    fd = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
    try:
        while content is not None and (data := content.read(_PIECE)):
            os.write(fd, data)
        os.fchown(fd, entry.uid, entry.gid)
        os.fchmod(fd, entry.mode & 0o7777)
        os.utime(fd, (entry.mtime, entry.mtime))
    finally:
        os.close(fd)


def _make_hard_link(entry: tarfile.TarInfo, root: int, parent: int, name: str) -> None:
    target_parent, target = _open_parent(root, entry.linkname)
    try:
        os.link(target, name, src_dir_fd=target_parent, dst_dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(target_parent)


def _make_node(entry: tarfile.TarInfo, parent: int, name: str) -> None:
    kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK if entry.isblk() else stat.S_IFIFO
    device = os.makedev(entry.devmajor, entry.devminor)
    os.mknod(name, kind | (entry.mode & 0o7777), device, dir_fd=parent)
    os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)


def _finish(entry: tarfile.TarInfo, root: int) -> None:
    parent, name = _open_parent(root, entry.name)
    fd = -1
    try:
        fd = os.open(name, _FOLDER, dir_fd=parent)
        os.fchown(fd, entry.uid, entry.gid)
        os.fchmod(fd, entry.mode & 0o7777)
        os.utime(fd, (entry.mtime, entry.mtime))
    finally:
        os.close(parent)
        if fd >= 0:
            os.close(fd)
