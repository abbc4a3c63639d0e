"""Whose the files are that `docker cp -a` brings: the container's user's (moby getUIDGID)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from runner.files.errors import PathError
from runner.linux.passwd import parse_group, parse_passwd
from runner.linux.rooted import opened_root, read_in_root
from runner.types.errors import InvalidParameter
from runner.types.gotext import quote

if TYPE_CHECKING:
    from runner.files.unpack import Owner

_PASSWD: Final = "/etc/passwd"  # noqa: S105
_GROUP: Final = "/etc/group"
_ID_MAX: Final = (1 << 31) - 1


def owner_of(user: str) -> Owner:
    """UID and GID of `user`, `uid`, `user:group` or mixtures, looked up in the present root.

    Raises InvalidParameter for a name that is not there.
    """
    user_part, _, group_part = user.partition(":")
    uid, gid = _user(user_part) if user_part else (0, 0)
    return uid, _group(group_part) if group_part else gid


def _user(name: str) -> Owner:
    uid = _number(name)
    if uid is not None:
        return uid, _primary_group(uid)
    what = f"failed to look up user {quote(name)} in container"
    try:
        for entry in parse_passwd(_read(_PASSWD)):
            if entry.name == name:
                return entry.uid, entry.gid
    except (PathError, ValueError) as err:
        raise InvalidParameter(f"{what}: {err}") from err
    raise InvalidParameter(f"{what}: no matching entries in passwd file")


def _primary_group(uid: int) -> int:
    """That of the file, if it knows the number."""
    try:
        return next(entry.gid for entry in parse_passwd(_read(_PASSWD)) if entry.uid == uid)
    except (PathError, ValueError, StopIteration):
        return 0


def _group(name: str) -> int:
    gid = _number(name)
    if gid is not None:
        return gid
    what = f"failed to look up group {quote(name)} in container"
    try:
        for entry in parse_group(_read(_GROUP)):
            if entry.name == name:
                return entry.gid
    except PathError as err:
        raise InvalidParameter(f"{what}: {err}") from err
    raise InvalidParameter(f"{what}: no matching entries in group file")


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _ID_MAX:
        return int(text)
    return None


def _read(path: str) -> bytes:
    try:
        with opened_root(os.sep) as root:
            return read_in_root(root, path)
    except OSError as err:
        raise PathError("open", path, err) from err
