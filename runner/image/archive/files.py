"""The files of an archive by their names, every one of them safe to be looked up.

Nothing is ever written under these names. They are checked all the same: an archive with names
that lead out of it, or with two files of one name, is not what it pretends to be.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.image.archive import tar
from runner.image.archive.tar import Kind, Member
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.image.archive.spool import Limits

JSON_SIZE_MAX = 20 << 20
"""Bytes of index.json and manifest.json, as containerd's importer has it."""

_CHUNK = 1 << 20
_LINKS_MAX = 8
_MARKERS = {"oci-layout", "manifest.json"}
"""One of these makes a tar an archive of images."""

_ALLOWED = {Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARDLINK}


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the archive."""

    fd: int
    offset: int
    size: int

    def read(self, limit: int) -> bytes:
        """All of it. Raises InvalidParameter when it has more than `limit` bytes."""
        if self.size > limit:
            raise InvalidParameter(f"a document in the archive has more than {limit} bytes")
        return b"".join(self.chunks())

    def start(self, size: int) -> bytes:
        """Its first bytes."""
        return os.pread(self.fd, min(size, self.size), self.offset)

    def chunks(self) -> Iterator[bytes]:
        """All of it, in pieces."""
        for at in range(0, self.size, _CHUNK):
            yield os.pread(self.fd, min(_CHUNK, self.size - at), self.offset + at)

    def digest(self) -> str:
        """Its sha256; reads it all."""
        running = hashlib.sha256()
        for chunk in self.chunks():
            running.update(chunk)
        return f"sha256:{running.hexdigest()}"


class Archive:
    """The members of a tar by clean names."""

    def __init__(self, fd: int, members: dict[str, Member]) -> None:
        self._fd = fd
        self._members = members

    @classmethod
    def read(cls, fd: int, limits: Limits) -> Archive:
        """Read the headers. Blocks. Raises InvalidParameter for a damaged or hostile archive.

        What is no archive of images at all, such as a root filesystem with its devices, may have
        any names: its reader is told that, and not what is wrong with them.
        """
        found: dict[str, Member] = {}
        refusal: InvalidParameter | None = None
        for count, member in enumerate(tar.members(fd), start=1):
            if count > limits.members:
                raise InvalidParameter(f"the archive has more than {limits.members} members")
            try:
                _add(found, member)
            except InvalidParameter as err:
                refusal = refusal or err
        if refusal is not None and not _MARKERS.isdisjoint(found):
            raise refusal
        return cls(fd, found)

    def find(self, name: str) -> File | None:
        """The file of this name, through links; None when there is none.

        Raises InvalidParameter for links that lead out of the archive or in circles.
        """
        clean = posixpath.normpath(name)
        for _ in range(_LINKS_MAX):
            member = self._members.get(clean)
            if member is None or member.kind is Kind.DIRECTORY:
                return None
            if member.kind is Kind.FILE:
                return File(self._fd, member.offset, member.size)
            clean = _target(clean, member)
        raise InvalidParameter(f"too many links at {name!r} in the archive")


def _add(found: dict[str, Member], member: Member) -> None:
    name = _clean(member.name)
    if member.kind not in _ALLOWED:
        raise InvalidParameter(f"{member.kind.value} {member.name!r} in the archive")
    if member.kind in {Kind.SYMLINK, Kind.HARDLINK}:
        _target(name, member)
    present = found.get(name)
    if present is not None and not present.kind is member.kind is Kind.DIRECTORY:
        raise InvalidParameter(f"duplicate name {member.name!r} in the archive")
    found[name] = member


def _clean(name: str) -> str:
    """The name without `.` and double slashes."""
    if name.startswith("/"):
        raise InvalidParameter(f"absolute name {name!r} in the archive")
    if ".." in name.split("/"):
        raise InvalidParameter(f"name {name!r} leads out of the archive")
    return posixpath.normpath(name)


def _target(name: str, member: Member) -> str:
    """Where a link leads: a symbolic one from its own directory, a hard one from the top."""
    base = posixpath.dirname(name) if member.kind is Kind.SYMLINK else ""
    target = posixpath.normpath(posixpath.join(base, member.link))
    if target.startswith(("/", "../")) or target == "..":
        raise InvalidParameter(f"link {member.name!r} leads out of the archive")
    return target
