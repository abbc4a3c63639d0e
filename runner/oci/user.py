"""The user, looked up in the container's own /etc/passwd and /etc/group (moby/sys/user).

Both files come from the image and may be hostile or broken: they are opened inside the root
(no link leads out of it), of bounded size, and misshapen lines are read as moby reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.linux.passwd import GroupEntry, PasswdEntry, parse_group, parse_passwd
from runner.linux.rooted import opened_root, read_in_root
from runner.oci.spec import User
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec

PASSWD: Final = "/etc/passwd"  # noqa: S105
GROUP: Final = "/etc/group"

_MAX_FILE: Final = 16 << 20  # bytes
_MAX_ID: Final = (1 << 31) - 1
_UINT32: Final = (1 << 32) - 1
_INT64: Final = (1 << 63) - 1
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)

_RANGE: Final = f"uids and gids must be in range 0-{_MAX_ID}"
_NO_PASSWD_ENTRIES: Final = "no matching entries in passwd file"  # noqa: S105
_NO_GROUP_ENTRIES: Final = "no matching entries in group file"


@dataclass(frozen=True, slots=True)
class ExecUser:
    """Whom to run as; `supplementary` are the groups that list the user as a member."""

    uid: int
    gid: int
    supplementary: tuple[int, ...] = ()


def with_user(spec: Spec, request: SpecRequest, host: Host) -> None:
    """WithUser. Raises InvalidParameter when a name is not in the container's files."""
    spec.process.user = get_user(
        request.rootfs, request.config.user, request.host_config.group_add or []
    )


def get_user(rootfs: str | os.PathLike[str], user: str, group_add: Sequence[str] = ()) -> User:
    """The user of a container, or of an exec in one (moby getUser). Raises InvalidParameter."""

    with opened_root(rootfs) as root:
        passwd, group = _LazyFile(root, PASSWD), _LazyFile(root, GROUP)
        found = get_exec_user(user, passwd, group)
        added = get_additional_groups(group_add, group) if group_add else []
    gids = [found.gid, *found.supplementary, *added]
    # dockerd cuts what the files say down to 32 bits, so that 2**32 becomes root.
    if not all(0 <= number <= _UINT32 for number in (found.uid, *gids)):
        raise InvalidParameter(_RANGE)
    return User(uid=found.uid, gid=found.gid, additional_gids=gids)


def get_exec_user(spec: str, passwd: Source, group: Source) -> ExecUser:
    """Resolve `user`, `uid`, `user:group` and their mixtures; empty is UID 0 (GetExecUser).

    Numbers are never taken for names. A number need not be in the file; a name must.
    """
    user_part, group_part = (*spec.split(":"), "")[:2]
    entry = _find_user(user_part, passwd)
    if entry is None:
        entry = PasswdEntry("", _numeric_user(user_part), 0)
    if group_part:
        return ExecUser(entry.uid, _find_group(group_part, group))
    if not entry.name:
        return ExecUser(entry.uid, entry.gid)
    return ExecUser(entry.uid, entry.gid, _memberships(entry.name, group))


def get_additional_groups(names: Sequence[str], group: Source) -> list[int]:
    """--group-add: names or numbers; a name must be in the file (GetAdditionalGroups).

    In the order asked for, each once; dockerd's order is random. Raises InvalidParameter.
    """
    try:
        entries = list(parse_group(group() or b""))
    except OSError as err:
        raise InvalidParameter(
            f"unable to find additional groups [{' '.join(names)}]: {error_text(err)}"
        ) from err
    return list(dict.fromkeys(_additional_group(name, entries) for name in names))


Source = Callable[[], bytes | None]
"""A file's content, read when first called; None when it cannot be opened. May raise OSError."""


class _LazyFile:
    """A `Source` inside a root, read once."""

    def __init__(self, root: int, path: str) -> None:
        self._root, self._path = root, path
        self._content: bytes | None = None
        self._read = False

    def __call__(self) -> bytes | None:
        if not self._read:
            self._content, self._read = self._open(), True
        return self._content

    def _open(self) -> bytes | None:
        try:
            content = read_in_root(self._root, self._path, _MAX_FILE + 1)
        except OSError:
            return None  # as moby: a file that cannot be opened is an empty one
        if len(content) > _MAX_FILE:
            raise OSError(None, f"{self._path} is larger than {_MAX_FILE} bytes")
        return content


def _find_user(name: str, passwd: Source) -> PasswdEntry | None:
    """The first entry that matches; an empty name looks for UID 0."""
    uid = _atoi(name) if name else 0
    try:
        for entry in parse_passwd(passwd() or b""):
            if entry.uid == uid if uid is not None else entry.name == name:
                return entry
    except (OSError, ValueError) as err:
        raise InvalidParameter(f"unable to find user {name or '0'}: {_text(err)}") from err
    return None


def _numeric_user(name: str) -> int:
    uid = _atoi(name) if name else 0
    if uid is None:
        raise InvalidParameter(f"unable to find user {name}: {_NO_PASSWD_ENTRIES}")
    return _in_range(uid)


def _find_group(name: str, group: Source) -> int:
    gid = _atoi(name)
    for entry in _groups(name, group):
        if entry.gid == gid if gid is not None else entry.name == name:
            return entry.gid
    if gid is None:
        raise InvalidParameter(f"unable to find group {name}: {_NO_GROUP_ENTRIES}")
    return _in_range(gid)


def _memberships(user: str, group: Source) -> tuple[int, ...]:
    return tuple(entry.gid for entry in _groups(user, group) if user in entry.members)


def _groups(wanted: str, group: Source) -> list[GroupEntry]:
    try:
        return list(parse_group(group() or b""))
    except OSError as err:
        raise InvalidParameter(f"unable to find groups for spec {wanted}: {_text(err)}") from err


def _additional_group(name: str, entries: Sequence[GroupEntry]) -> int:
    for entry in entries:
        if name in (entry.name, str(entry.gid)):
            return entry.gid
    gid = _atoi(name)
    if gid is None:
        raise InvalidParameter(f"unable to find group {name}: {_NO_GROUP_ENTRIES}")
    return _in_range(gid)


def _in_range(number: int) -> int:
    if not 0 <= number <= _MAX_ID:
        raise InvalidParameter(_RANGE)
    return number


def _atoi(text: str) -> int | None:
    """strconv.Atoi: None for what is not a number of 64 bits."""
    if not _INTEGER.fullmatch(text) or len(text) > 32:
        return None
    number = int(text)
    return number if -_INT64 - 1 <= number <= _INT64 else None


def _text(err: OSError | ValueError) -> str:
    return error_text(err) if isinstance(err, OSError) and err.errno else str(err.args[-1])
