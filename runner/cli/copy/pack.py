"""Files of this side as a tar stream (go-archive TarWithOptions)."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from typing import TYPE_CHECKING

from runner.cli.copy import paths
from runner.cli.errors import CliError, os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.cli.copy.paths import Endpoint, Plan

_PIECE = 1 << 20
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_CAPABILITIES = "security.capability"


def pack(origin: Endpoint, plan: Plan, warn: Callable[[str], None]) -> Iterator[bytes]:
    """The stream. What cannot be read is left out, and told through `warn`."""
    folder, entry = paths.split(origin.path)
    packer = _Packer(warn)
    for path, name in _walk(folder, entry):
        yield from packer.add(path, plan.name(name))
    yield _END


def _walk(folder: str, entry: str) -> Iterator[tuple[str, str]]:
    """Paths and their names in the archive: a folder before what is in it, in order."""
    root = f"{folder.rstrip('/')}/{entry}"
    yield root, entry
    if os.path.islink(root) or not os.path.isdir(root):
        return
    for name in sorted(os.listdir(root)):
        for path, below in _walk(root, name):
            yield path, f"{entry.rstrip('/')}/{below}"


class _Packer:
    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._linked: dict[int, str] = {}

    def add(self, path: str, name: str) -> Iterator[bytes]:
        """One entry, its content included."""
        with contextlib.ExitStack() as stack:
            try:
                info = self._describe(path, name)
                fd = stack.enter_context(_opened(path)) if info.isreg() and info.size else -1
            except OSError as err:
                self._warn(f"Can't add file {path} to tar: {os_error(err)}")
                return
            yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
            if fd >= 0:
                yield from _content(fd, path, info.size)

    def _describe(self, path: str, name: str) -> tarfile.TarInfo:
        status = os.lstat(path)
        info = tarfile.TarInfo(name)
        info.mode = stat.S_IMODE(status.st_mode)
        info.uid, info.gid = status.st_uid, status.st_gid
        info.mtime = int(status.st_mtime)
        info.type = _kind(status.st_mode, path)
        info.pax_headers = _capabilities(path)
        if info.issym():
            info.linkname = os.readlink(path)
        elif info.isreg():
            info.size = status.st_size
        elif info.ischr() or info.isblk():
            info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
        if not info.isdir() and status.st_nlink > 1:
            self._link(info, status.st_ino)
        return info

    def _link(self, info: tarfile.TarInfo, inode: int) -> None:
        """A file's second name is a link to its first."""
        if inode in self._linked:
            info.type, info.linkname, info.size = tarfile.LNKTYPE, self._linked[inode], 0
        else:
            self._linked[inode] = info.name


_KINDS = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


def _kind(mode: int, path: str) -> bytes:
    try:
        return _KINDS[stat.S_IFMT(mode)]
    except KeyError:
        raise OSError(0, "archive/tar: sockets not supported", path) from None


def _capabilities(path: str) -> dict[str, str]:
    """File capabilities, those of a user namespace made plain ones (VFS_CAP_REVISION_3 to 2)."""
    try:
        value = os.getxattr(path, _CAPABILITIES, follow_symlinks=False)
    except OSError:
        return {}
    if value[3] == 3:
        value = value[:3] + b"\x02" + value[4:20]
    return {f"SCHILY.xattr.{_CAPABILITIES}": value.decode("utf-8", "surrogateescape")}


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


def _content(fd: int, path: str, size: int) -> Iterator[bytes]:
    """As many bytes as the header has promised, and zeros up to the end of the block."""
    left = size
    while left:
        data = os.read(fd, min(left, _PIECE))
        if not data:
            raise CliError(f"{path} has become shorter while it was copied")
        left -= len(data)
        yield data
    if size % _BLOCK:
        yield bytes(_BLOCK - size % _BLOCK)
