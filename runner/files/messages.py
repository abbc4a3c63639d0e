"""What the engine asks of a helper's process, and what that answers: one line of JSON each.

Besides, data flow through a second connection: a tar, or the list of changes.
"""

from __future__ import annotations

import msgspec

from runner.containerd.values import Mount


class Bind(msgspec.Struct, frozen=True):
    """Something of the host that the container has at `destination` (moby container.Mount).

    `subpath` names a part of the source, out of which no link may lead.
    """

    source: str
    destination: str
    subpath: str = ""
    writable: bool = True
    recursive: bool = True
    read_only_recursive: bool = True
    read_only_required: bool = False
    """Whether it is a failure that what is mounted below cannot be made read-only too."""


class View(msgspec.Struct, frozen=True):
    """A container's file system: mounted at `root` already, or by `layers` to be mounted there."""

    root: str
    layers: tuple[Mount, ...] = ()
    binds: tuple[Bind, ...] = ()


# --- jobs ------------------------------------------------------------------------------------


class Stat(msgspec.Struct, frozen=True, tag=True):
    """Tell what is at `path`. Answered by a PathStat."""

    view: View
    path: str


class Pack(msgspec.Struct, frozen=True, tag=True):
    """Send what is at `path` as a tar. Answered by a PathStat before the data."""

    view: View
    path: str


class PackAll(msgspec.Struct, frozen=True, tag=True):
    """Send the whole file system as a tar."""

    view: View


class Unpack(msgspec.Struct, frozen=True, tag=True):
    """Unpack the tar that comes into the directory `path`.

    `user`: whose everything is to be, as in a container's configuration; None leaves that to the
    archive. `keep_kinds` refuses to replace directories by other things and the other way round.
    `read_only` are the places where nothing may be written, and why; the deepest counts.
    """

    view: View
    path: str
    user: str | None = None
    keep_kinds: bool = False
    read_only: tuple[Place, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """A mount's destination; `refusal` is empty where things may be written."""

    destination: str
    refusal: str = ""


class Compare(msgspec.Struct, frozen=True, tag=True):
    """Send what differs between two file systems, a line `kind path` each, NUL-terminated.

    `upper` is the overlay's directory of changes where there is one: only what is in it can differ.
    `scratch` is a directory to mount things on.
    """

    old: tuple[Mount, ...]
    new: tuple[Mount, ...]
    upper: str
    scratch: str


Job = Stat | Pack | PackAll | Unpack | Compare

# --- answers ---------------------------------------------------------------------------------


class PathStat(msgspec.Struct, frozen=True, tag=True):
    """A file's name, bytes, mode as Go's os.FileMode, time; for a link, where it leads to."""

    name: str
    size: int
    mode: int
    mtime_ns: int
    link_target: str = ""


class Done(msgspec.Struct, frozen=True, tag=True):
    """The job is done. `skipped` says what was left out of an archive and why, the first few."""

    skipped: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The job has failed. `missing`: because something is not there; `refused`: as asked for."""

    message: str
    missing: bool = False
    refused: bool = False


Answer = PathStat | Done | Failed


def shown(path: bytes | str) -> str:
    """A path as JSON can hold it: what is no UTF-8 is replaced, as by Go."""
    raw = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "replace")
