"""A tar stream unpacked on this side (go-archive Untar, without owners).

An entry replaces what has its name; folders are merged, and nothing replaces a folder or is
replaced by one. Nothing lands outside the destination.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from typing import IO, TYPE_CHECKING, cast

from runner.cli.chunks import Chunks
from runner.cli.errors import CliError, os_error
from runner.cli.values.numbers import go_quote
from runner.types.paths import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.copy.paths import Plan

_PIECE = 1 << 20
_XATTR = "SCHILY.xattr."
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unpack(chunks: Iterator[bytes], plan: Plan) -> None:
    """Unpack. Raises CliError where the archive is none, or something is in the way."""
    stream = cast("IO[bytes]", Chunks(chunks))
    unpacker = _Unpacker(clean(plan.folder))
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for entry in archive:
                entry.name = plan.name(entry.name)
                if entry.islnk():
                    entry.linkname = plan.name(entry.linkname)
                unpacker.add(archive, entry)
        unpacker.finish()
    except tarfile.TarError as err:
        raise CliError(f"the engine's archive is no proper one: {err}") from err
    except OSError as err:
        raise CliError(os_error(err)) from err


class _Unpacker:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._folders: list[tuple[str, float]] = []
        """Folders and their times, which unpacking into them changes."""

    def add(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        """Unpack one entry."""
        path = self._place(entry.name)
        if not self._clear(path, entry):
            return
        _make(archive, entry, path, self._folder)
        _set_xattrs(entry, path)
        if entry.issym():
            os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)
            return
        if not entry.islnk():
            os.chmod(path, entry.mode & 0o7777)
            os.utime(path, (entry.mtime, entry.mtime))
        if entry.isdir():
            self._folders.append((path, entry.mtime))

    def finish(self) -> None:
        """Give folders their times."""
        for path, mtime in self._folders:
            os.utime(path, (mtime, mtime))

    def _place(self, name: str) -> str:
        """The entry's path, its folder made where the archive has none."""
        path = clean(f"{self._folder}/{name}")
        if not _is_at_or_below(path, self._folder):
            raise CliError(f"{go_quote(clean(name))} is outside of {go_quote(self._folder)}")
        parent = os.path.dirname(path)
        if path != self._folder:
            os.makedirs(parent, 0o755, exist_ok=True)
            _check_inside(parent, self._folder)
        return path

    def _clear(self, path: str, entry: tarfile.TarInfo) -> bool:
        """Remove what the entry replaces; False where there is nothing left to do."""
        try:
            is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        except FileNotFoundError:
            return True
        if is_folder and not entry.isdir():
            raise CliError(
                f"cannot overwrite directory {go_quote(path)} "
                f"with non-directory {go_quote(self._folder)}"
            )
        if not is_folder and entry.isdir():
            raise CliError(
                f"cannot overwrite non-directory {go_quote(path)} "
                f"with directory {go_quote(self._folder)}"
            )
        if not is_folder:
            os.unlink(path)
        return clean(entry.name) != "."


def _is_at_or_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _check_inside(parent: str, folder: str) -> None:
    """A link that was unpacked, or is there, must not lead out of the destination."""
    if not _is_at_or_below(os.path.realpath(parent), os.path.realpath(folder)):
        raise CliError(f"{go_quote(parent)} is outside of {go_quote(folder)}")


def _make(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: str, folder: str) -> None:
    if entry.isdir():
        if not os.path.isdir(path):
            os.mkdir(path, entry.mode & 0o7777)
    elif entry.isreg():
        _make_file(archive, entry, path)
    elif entry.issym():
        target = clean(f"{os.path.dirname(path)}/{entry.linkname}")
        if not _is_at_or_below(target, folder):
            raise CliError(f"invalid symlink {go_quote(path)} -> {go_quote(entry.linkname)}")
        os.symlink(entry.linkname, path)
    elif entry.islnk():
        target = clean(f"{folder}/{entry.linkname}")
        if not _is_at_or_below(target, folder):
            raise CliError(f"invalid hardlink {go_quote(target)} -> {go_quote(entry.linkname)}")
        _check_inside(os.path.dirname(target), folder)
        os.link(target, path, follow_symlinks=False)
    elif entry.ischr() or entry.isblk() or entry.isfifo():
        kind = stat.S_IFCHR if entry.ischr() else stat.S_IFBLK if entry.isblk() else stat.S_IFIFO
        os.mknod(path, kind | (entry.mode & 0o7777), os.makedev(entry.devmajor, entry.devminor))
    else:
        raise CliError(f"unhandled tar header type {entry.type[0]}")


def _make_file(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: str) -> None:
    content = archive.extractfile(entry)
    assert content is not None
    fd = os.open(path, _NEW_FILE, entry.mode & 0o777)
    with open(fd, "wb") as file:
        shutil.copyfileobj(content, file, _PIECE)


def _set_xattrs(entry: tarfile.TarInfo, path: str) -> None:
    for name, value in entry.pax_headers.items():
        if not name.startswith(_XATTR):
            continue
        raw = value.encode("utf-8", "surrogateescape")
        try:
            os.setxattr(path, name.removeprefix(_XATTR), raw, follow_symlinks=False)
        except PermissionError:
            continue  # not allowed to whoever is not root, which is no reason not to copy
