"""Trees to tars (moby go-archive Tarballer): what `docker cp` and `docker export` send.

Owners, modes, hard links and file capabilities go along; other extended attributes do not, and
sockets have no place in a tar. Times are told in seconds.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from runner.files.errors import FilesError
from runner.files.messages import shown
from runner.files.paths import base, split
from runner.linux.libc import error_text
from runner.tar import header as tar
from runner.tar.header import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.files.channel import Outgoing

_KINDS: Final = {
    stat.S_IFREG: tar.REGULAR,
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFLNK: tar.SYMLINK,
    stat.S_IFCHR: tar.CHARACTER,
    stat.S_IFBLK: tar.BLOCK_DEVICE,
    stat.S_IFIFO: tar.FIFO,
}
_CAPABILITY: Final = "security.capability"
_CAPABILITY_RECORD: Final = tar.XATTR + b"security.capability"
_TOLD_MAX: Final = 20
"""How many of the skipped files are told of."""


class ShrunkError(FilesError):
    """A file has lost bytes that its header has promised already."""


def pack_resource(out: Outgoing, path: str, *, is_directory: bool) -> list[str]:
    """Send the file, or the directory with all in it, under its own name (containerArchivePath).

    A path that ends in `/.` names the content: everything is below `./` then. Returns what was
    skipped. Raises ShrunkError, OSError from the connection.
    """
    name = base(path)
    if not is_directory:
        return _pack(out, [(path, split(path)[1])])
    top = "" if name == "/" else name
    return _pack(out, [(path, top)])


def pack_content(out: Outgoing, path: str) -> list[str]:
    """Send what is in the directory, each by its name below it (chrootarchive.Tar)."""
    root = path.rstrip("/")
    names = sorted(os.listdir(os.fsencode(path)))
    return _pack(out, [(f"{root}/{os.fsdecode(name)}", os.fsdecode(name)) for name in names])


def _pack(out: Outgoing, tops: list[tuple[str, str]]) -> list[str]:
    packer = _Packer(out)
    for path, name in tops:
        packer.add_tree(os.fsencode(path), os.fsencode(name))
    out.write(2 * tar.ZERO_BLOCK)
    out.flush()
    return packer.skipped


class _Packer:
    """One archive. What cannot be read is left out, as files of a running container come and go."""

    def __init__(self, out: Outgoing) -> None:
        self.skipped: list[str] = []
        self._out = out
        self._seen: dict[tuple[int, int], bytes] = {}

    def add_tree(self, path: bytes, name: bytes) -> None:
        """The file and all below it, each directory before what is in it, by their names."""
        waiting = [(path, name)]
        while waiting:
            path, name = waiting.pop()
            if self._add(path, name):
                waiting += reversed(list(self._entries(path, name)))

    def _entries(self, path: bytes, name: bytes) -> Iterator[tuple[bytes, bytes]]:
        try:
            found = sorted(os.listdir(path))
        except OSError as err:
            self._skip(path, err)
            return
        directory = path.rstrip(b"/")
        for entry in found:
            yield b"%b/%b" % (directory, entry), b"%b/%b" % (name, entry)

    def _add(self, path: bytes, name: bytes) -> bool:
        """Add the file itself; whether it is a directory."""
        try:
            status = os.lstat(path)
            self._add_file(path, name, status)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except (OSError, _Unpackable) as err:
            self._skip(path, err)
            return False
        return stat.S_ISDIR(status.st_mode)

    def _add_file(self, path: bytes, name: bytes, status: os.stat_result) -> None:
        header = self._header(path, name, status)
        if not header.size:
            self._out.write(tar.encode(header))
            return
        # A FIFO that has taken the file's place must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            self._out.write(tar.encode(header))
            if self._out.write_file(descriptor, header.size) < header.size:
                raise ShrunkError(f"{shown(path)} has shrunk while it was read")
        finally:
            os.close(descriptor)
        self._out.write(bytes(-header.size % tar.BLOCK))

    def _header(self, path: bytes, name: bytes, status: os.stat_result) -> Header:
        mode = status.st_mode
        kind = _KINDS.get(stat.S_IFMT(mode))
        if kind is None:
            raise _Unpackable("archive/tar: sockets not supported")
        header = Header(
            name=name,
            kind=kind,
            mode=mode & 0o7777,
            uid=status.st_uid,
            gid=status.st_gid,
            mtime_ns=status.st_mtime_ns,
        )
        if kind == tar.REGULAR:
            header.size = status.st_size
        elif kind == tar.DIRECTORY:
            header.name = name if name.endswith(b"/") else name + b"/"
        elif kind == tar.SYMLINK:
            header.link = os.readlink(path)
        elif kind in (tar.CHARACTER, tar.BLOCK_DEVICE):
            header.major, header.minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        if capability := _capability(path):
            header.records = {_CAPABILITY_RECORD: capability}
        if status.st_nlink > 1 and kind != tar.DIRECTORY:
            self._link(header, (status.st_dev, status.st_ino))
        return header

    def _link(self, header: Header, inode: tuple[int, int]) -> None:
        """From its second name on a file is a link to the first."""
        first = self._seen.setdefault(inode, header.name)
        if first != header.name:
            header.kind, header.link, header.size = tar.LINK, first, 0

    def _skip(self, path: bytes, err: Exception) -> None:
        if len(self.skipped) < _TOLD_MAX:
            reason = error_text(err) if isinstance(err, OSError) else str(err)
            self.skipped.append(f"{shown(path)}: {reason}")


class _Unpackable(Exception):
    """The tar format has no place for it."""


def _capability(path: bytes) -> bytes:
    """The file's capabilities, as revision 2: a root user's ID means nothing elsewhere."""
    try:
        value = os.getxattr(path, _CAPABILITY, follow_symlinks=False)
    except OSError:
        return b""
    return value[:3] + b"\x02" + value[4:20] if value[3:4] == b"\x03" else value
