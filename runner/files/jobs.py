"""The jobs, each in a process of its own that ends with it."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from runner.files import messages
from runner.files.channel import Incoming, Outgoing
from runner.files.compare import compare
from runner.files.decompress import decompressed
from runner.files.errors import FilesError, PathError
from runner.files.messages import Done, PathStat, shown
from runner.files.owner import owner_of
from runner.files.pack import pack_content, pack_resource
from runner.files.path_stat import path_stat
from runner.files.paths import evaluate_links, join_to_root, preserve_trailing
from runner.files.unpack import unpack
from runner.files.view import enter, enter_both
from runner.linux.libc import error_text
from runner.tar.header import DamagedTarError
from runner.tar.reader import Reader
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.paths import clean

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    Tell = Callable[[messages.Answer], None]


def do(job: messages.Job, data: socket.socket, tell: Tell) -> None:
    """Do the job; `tell` sends an answer. Raises what the errors of each say."""
    match job:
        case messages.Stat():
            enter(job.view)
            tell(path_stat(job.path))
        case messages.Pack():
            _pack(job, data, tell)
        case messages.PackAll():
            enter(job.view)
            skipped = pack_content(Outgoing(data), "/")
            tell(Done(tuple(skipped)))
        case messages.Unpack():
            _unpack(job, data)
            tell(Done())
        case messages.Compare():
            _compare(job, data)
            tell(Done())


def _pack(job: messages.Pack, data: socket.socket, tell: Tell) -> None:
    """moby containerArchivePath."""
    enter(job.view)
    path = preserve_trailing(join_to_root(job.path), job.path)
    found = path_stat(path)
    tell(found)
    skipped = pack_resource(Outgoing(data), path, is_directory=_is_directory(found))
    tell(Done(tuple(skipped)))


def _is_directory(found: PathStat) -> bool:
    return bool(found.mode >> 31)


def _unpack(job: messages.Unpack, data: socket.socket) -> None:
    """moby containerExtractToDir."""
    enter(job.view)
    path = preserve_trailing(evaluate_links(join_to_root(job.path)), job.path)
    try:
        status = os.lstat(path)
    except OSError as err:
        raise PathError("lstat", path, err) from err
    if not stat.S_ISDIR(status.st_mode):
        raise InvalidParameter("extraction point is not a directory")
    if refusal := _refusal(path, job.read_only):
        raise InvalidParameter(refusal)
    owner = owner_of(job.user) if job.user is not None else None
    content = decompressed(Incoming(data.recv_into))
    unpack(Reader(content), clean(path), owner=owner, keep_kinds=job.keep_kinds)


def _refusal(path: str, places: Iterable[messages.Place]) -> str:
    """Why nothing may be written at the path (moby checkWritablePath); empty if it may."""
    path = clean(path)
    above = [place for place in places if _is_at_or_below(path, clean(place.destination))]
    deepest = max(above, key=lambda place: len(clean(place.destination)), default=None)
    return deepest.refusal if deepest else ""


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _compare(job: messages.Compare, data: socket.socket) -> None:
    enter_both(job.old, job.new, job.upper, job.scratch)
    out = Outgoing(data)
    for kind, path in compare(b"/old", b"/new", b"/upper" if job.upper else b""):
        out.write(b"%d%b\0" % (kind, path))
    out.flush()


def failure(error: Exception) -> messages.Failed:
    """What the engine is told of it."""
    match error:
        case PathError():
            return messages.Failed(str(error), missing=error.missing)
        case DamagedTarError():
            return messages.Failed(str(error))
        case InvalidParameter():
            return messages.Failed(str(error), refused=True)
        case FilesError() | RunnerError():
            return messages.Failed(str(error))
        case OSError():
            return messages.Failed(error_text(error), missing=isinstance(error, FileNotFoundError))
        case ValueError():  # a NUL in a path: Python asks the kernel nothing
            return messages.Failed(os.strerror(errno.EINVAL).lower())
        case _:
            return messages.Failed(f"{type(error).__name__}: {shown(str(error))}")
