"""Tars to trees (moby go-archive Unpack): what `docker cp` into a container does.

Owners, modes, times, extended attributes, hard and symbolic links, devices and FIFOs are as the
archive has them. What is in the way of a name is replaced, but directories are merged.

To an archive its directory is all there is (as to go-archive from 0.3 on): names that lead out of
it are refused, and so are those that a relative link on the way leads out; an absolute link starts
from the directory. The kernel watches over that, for the container's processes may exchange
directories for links at any time: the directory is the root, parents are opened beneath it, and
names are relative to the opened parent.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Final, TypeVar

from runner.files.errors import FilesError, LinkError, PathError
from runner.files.messages import shown
from runner.files.paths import resolve
from runner.linux.libc import error_text
from runner.linux.rooted import closing_fd, open_beneath
from runner.tar import header as tar
from runner.types.gotext import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.tar.header import Header
    from runner.tar.reader import Reader

Owner = tuple[int, int]
"""UID and GID."""

T = TypeVar("T")

_IMPLIED_MODE: Final = 0o755
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_UNCLEAN: Final = re.compile(rb"//|/$|(?:^|/)\.")
"""Found in a path that may not be clean; a name that begins with a dot is suspected too."""

_TIME_MAX: Final = (1 << 63) - 1
_DEVICE_MAX: Final = (1 << 32) - 1
_NODES: Final = {
    tar.CHARACTER: stat.S_IFCHR,
    tar.BLOCK_DEVICE: stat.S_IFBLK,
    tar.FIFO: stat.S_IFIFO,
}


def unpack(
    reader: Reader, destination: str, *, owner: Owner | None = None, keep_kinds: bool = False
) -> None:
    """Unpack all members into the directory, which becomes this process's root.

    With `owner`, everything is theirs. `keep_kinds` refuses to replace a directory by something
    else, and the other way round. Raises FilesError, DamagedTarError, OSError.
    """
    os.umask(0)
    os.chroot(destination)
    os.chdir("/")
    with closing_fd(os.open("/", os.O_PATH | os.O_DIRECTORY)) as root:
        work = _Unpacking(reader, root, os.fsencode(destination), owner, keep_kinds=keep_kinds)
        while (header := reader.next()) is not None:
            work.add(header)
        work.finish()


class _Unpacking:
    """One archive on its way into the root. The parent of what is being made is the present
    working directory."""

    def __init__(
        self,
        reader: Reader,
        root: int,
        destination: bytes,
        owner: Owner | None,
        *,
        keep_kinds: bool,
    ) -> None:
        self._reader = reader
        self._root = root
        self._destination = destination
        self._owner = owner
        self._keep_kinds = keep_kinds
        self._parent = b""
        self._directories: list[Header] = []
        self._makers: dict[bytes, Callable[[Header, bytes], None]] = {
            tar.REGULAR: self._regular,
            tar.DIRECTORY: self._directory,
            tar.SYMLINK: self._symlink,
            tar.LINK: self._link,
            tar.CHARACTER: self._node,
            tar.BLOCK_DEVICE: self._node,
            tar.FIFO: self._node,
        }

    def add(self, header: Header) -> None:
        """Make what the member describes."""
        name = clean(header.name.lstrip(b"/"))
        if name == b".":
            return
        if _leads_out(name):
            raise FilesError(f"invalid entry name {_quote(header.name)}")
        header.name = name
        parent, _, base = name.rpartition(b"/")
        if parent != self._parent:
            self._enter(parent, name)
        make = self._makers.get(header.kind)
        if make is None:
            raise FilesError(f"unhandled tar header type {header.kind[0]}")
        make(header, base)

    def finish(self) -> None:
        """Set the directories' times, which change as long as something is made in them."""
        for header in self._directories:
            try:
                with closing_fd(open_beneath(self._root, header.name, _DIRECTORY)) as directory:
                    os.utime(directory, ns=_times(header))
            except OSError as err:
                raise PathError("chtimesat", header.name, err) from err

    # --- the parent

    def _enter(self, parent: bytes, name: bytes) -> None:
        """Make the parent of `name` the working directory; what is missing of it is made."""
        try:
            directory = open_beneath(self._root, self._resolve(parent), os.O_PATH)
        except FileNotFoundError:
            resolved = self._resolve(parent)
            self._make_directories(resolved)
            directory = open_beneath(self._root, resolved, os.O_PATH)
        with closing_fd(directory):
            try:
                os.fchdir(directory)
            except NotADirectoryError as err:
                raise PathError("openat", name, err) from err
        self._parent = parent

    def _resolve(self, parent: bytes) -> bytes:
        """The directory beneath the root that is meant, whether it exists or not: without links
        where they matter (resolveArchivePath)."""
        try:
            os.close(open_beneath(self._root, parent or b".", os.O_PATH))
        except OSError as err:
            if err.errno not in (errno.ENOENT, errno.EXDEV):
                raise PathError("statat", parent, err) from err
            found = resolve(os.fsdecode(parent))
            if err.errno == errno.EXDEV and not found.by_absolute_link:
                raise FilesError(f"statat {shown(parent)}: path escapes from parent") from err
            return os.fsencode(found.path).lstrip(b"/") or b"."
        return parent or b"."

    def _make_directories(self, path: bytes) -> None:
        """Make the directory and those above it that are missing, root's."""
        os.fchdir(self._root)
        self._parent = b""
        at = b""
        for element in path.split(b"/"):
            at = at + b"/" + element if at else element
            try:
                os.mkdir(at, _IMPLIED_MODE)
            except FileExistsError:
                if not stat.S_ISDIR(os.stat(at).st_mode):
                    cause = NotADirectoryError(errno.ENOTDIR, "")
                    raise PathError("mkdir", at, cause) from None
            except OSError as err:
                raise PathError("mkdirat", at, err) from err

    # --- what is in the way

    def _make_way(self, header: Header, base: bytes) -> bool:
        """Remove what is there; False when it is a directory, as it is to be."""
        try:
            mode = os.lstat(base).st_mode
        except OSError:
            return True  # the same is met again when something is made here
        is_directory, to_be_one = stat.S_ISDIR(mode), header.kind == tar.DIRECTORY
        if self._keep_kinds and is_directory != to_be_one:
            old, new = ("non-directory", "directory")[:: 1 if to_be_one else -1]
            raise FilesError(
                f"cannot overwrite {old} {_quote(header.name)}"
                f" with {new} {_quote(self._destination)}"
            )
        if is_directory and to_be_one:
            return False
        try:
            _remove_all(base)
        except OSError as err:
            raise PathError("RemoveAll", header.name, err) from err
        return True

    # --- kinds

    def _regular(self, header: Header, base: bytes) -> None:
        descriptor = self._create(header, base)
        operation = "write"
        try:
            self._reader.copy_to(descriptor)
            self._own(header, os.fchown, descriptor)
            self._set_xattrs(header, descriptor)
            operation = "fchmodat2"
            os.fchmod(descriptor, header.mode & 0o7777)
            operation = "chtimesat"
            os.utime(descriptor, ns=_times(header))
        except OSError as err:
            raise PathError(operation, self._full(header.name), err) from err
        finally:
            os.close(descriptor)

    def _create(self, header: Header, base: bytes) -> int:
        mode = header.mode & 0o777
        try:
            try:
                return os.open(base, _NEW_FILE, mode)
            except FileExistsError:
                self._make_way(header, base)
                return os.open(base, _NEW_FILE, mode)
        except OSError as err:
            raise PathError("openat", header.name, err) from err

    def _directory(self, header: Header, base: bytes) -> None:
        operation = "mkdirat"
        try:
            if self._make_way(header, base):
                os.mkdir(base, header.mode & 0o777)
            operation = "openat"
            with closing_fd(os.open(base, _DIRECTORY)) as directory:
                self._own(header, os.fchown, directory)
                self._set_xattrs(header, directory)
                operation = "fchmodat2"
                os.fchmod(directory, header.mode & 0o7777)
                operation = "chtimesat"
                os.utime(directory, ns=_times(header))
        except OSError as err:
            raise PathError(operation, header.name, err) from err
        self._directories.append(header)

    def _symlink(self, header: Header, base: bytes) -> None:
        self._make_way(header, base)
        try:
            os.symlink(header.link, base)
        except OSError as err:
            raise LinkError("symlinkat", header.link, header.name, err) from err
        self._set_attributes(header, base)

    def _link(self, header: Header, base: bytes) -> None:
        """A hard link; its target's attributes are those of the archive too."""
        target = clean(header.link.lstrip(b"/"))
        if target == b"." or _leads_out(target):
            raise FilesError(f"invalid hardlink target {_quote(header.link)}")
        self._make_way(header, base)
        parent, _, name = target.rpartition(b"/")
        try:
            with closing_fd(open_beneath(self._root, self._resolve(parent), os.O_PATH)) as where:
                os.link(name, base, src_dir_fd=where, follow_symlinks=False)
        except OSError as err:
            raise LinkError("linkat", target, header.name, err) from err
        if stat.S_ISREG(os.lstat(base).st_mode):
            self._set_file_attributes(header, base)
        else:
            self._own(header, os.lchown, base)

    def _set_file_attributes(self, header: Header, base: bytes) -> None:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with closing_fd(os.open(base, flags)) as descriptor:
                self._own(header, os.fchown, descriptor)
                self._set_xattrs(header, descriptor)
                os.fchmod(descriptor, header.mode & 0o7777)
                os.utime(descriptor, ns=_times(header))
        except OSError as err:
            raise PathError("openat", header.name, err) from err

    def _node(self, header: Header, base: bytes) -> None:
        """A device or FIFO, which has its mode from the beginning: the umask is 0."""
        if not (0 <= header.major <= _DEVICE_MAX and 0 <= header.minor <= _DEVICE_MAX):
            raise FilesError(
                f"device number {header.major}:{header.minor} for {_quote(header.name)}"
                " out of range: invalid archive"
            )
        self._make_way(header, base)
        os.mknod(base, _NODES[header.kind] | header.mode & 0o7777, _device(header))
        self._set_attributes(header, base)

    # --- attributes

    def _set_attributes(self, header: Header, base: bytes) -> None:
        """Those of what is not to be opened."""
        self._own(header, os.lchown, base)
        self._set_xattrs(header, base)
        try:
            os.utime(base, ns=_times(header), follow_symlinks=False)
        except OSError as err:
            raise PathError("lchtimes", header.name, err) from err

    def _own(self, header: Header, chown: Callable[[T, int, int], None], file: T) -> None:
        """Before the mode is set, which a change of owner can take bits from."""
        uid, gid = self._owner or (header.uid, header.gid)
        try:
            chown(file, uid, gid)
        except (OSError, OverflowError) as err:
            reason = error_text(err) if isinstance(err, OSError) else "invalid argument"
            raise FilesError(
                f"failed to Lchown {_quote(header.name)} for UID {header.uid}, GID {header.gid}:"
                f" lchownat {shown(header.name)}: {reason}"
            ) from err

    def _set_xattrs(self, header: Header, file: int | bytes) -> None:
        """All of them; those that nobody may set here are left out, as by moby."""
        if not header.records:
            return
        for key, value in header.xattrs.items():
            try:
                os.setxattr(file, key, value, follow_symlinks=isinstance(file, int))
            except OSError as err:
                if err.errno != errno.EPERM:
                    path = shown(self._full(header.name))
                    reason = f'xattr "{shown(key)}": {error_text(err)}'
                    raise FilesError(f"lsetxattr {path}: {reason}") from err

    def _full(self, name: bytes) -> bytes:
        return clean(self._destination + b"/" + name)


def clean(path: bytes) -> bytes:
    """filepath.Clean of bytes."""
    if path and not _UNCLEAN.search(path):
        return path
    normal = os.path.normpath(path)
    return normal[1:] if normal.startswith(b"//") else normal


def _leads_out(cleaned: bytes) -> bool:
    return cleaned == b".." or cleaned.startswith(b"../")


def _remove_all(base: bytes) -> None:
    try:
        os.unlink(base)
    except IsADirectoryError:
        shutil.rmtree(base)


def _device(header: Header) -> int:
    """unix.Mkdev."""
    major, minor = header.major, header.minor
    return (
        (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & 0xFFFFFF00) << 12
    )


def _times(header: Header) -> tuple[int, int]:
    """Access and modification; what Go cannot express is the epoch (boundTime)."""
    accessed = max(header.atime_ns or 0, header.mtime_ns)
    return _bounded(accessed), _bounded(header.mtime_ns)


def _bounded(nanoseconds: int) -> int:
    return nanoseconds if 0 <= nanoseconds <= _TIME_MAX else 0


def _quote(path: bytes) -> str:
    return quote(os.fsdecode(path))
