"""Paths and what they mean to a copy: path/filepath, and go-archive's copy.go."""

from __future__ import annotations

import os
import stat

from runner.cli.errors import CliError, os_error
from runner.cli.values.numbers import go_quote
from runner.types.paths import clean

_LINKS = 10


class Endpoint:
    """One side of a copy."""

    def __init__(
        self, path: str, *, exists: bool = False, is_folder: bool = False, name: str = ""
    ) -> None:
        self.path = path
        self.exists = exists
        self.is_folder = is_folder
        self.name = name
        """The name to be copied by, where following links has changed the path's last one."""


def base(path: str) -> str:
    """filepath.Base: the last element, a trailing slash aside."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def absolute(path: str) -> str:
    """The absolute path; a trailing `/` or `/.` stays."""
    made = clean(os.path.join(os.getcwd(), path))
    if _is_content(path) and not _is_content(made):
        made = f"{made.rstrip('/')}/."
    return made if made.endswith("/") or not path.endswith("/") else f"{made}/"


def split(path: str) -> tuple[str, str]:
    """The folder and the entry in it; the entry of `folder/.` is `.`."""
    cleaned = clean(path)
    if _is_content(path):
        return cleaned, "."
    folder, slash, _ = cleaned.rpartition("/")
    return folder or slash or ".", base(cleaned)


def _is_content(path: str) -> bool:
    """Whether the path asks for what is in a folder."""
    return base(path) == "."


def asserts_folder(path: str) -> bool:
    """Whether the path can only mean a folder."""
    return path.endswith("/") or _is_content(path)


def split_argument(argument: str) -> tuple[str, str]:
    """`CONTAINER:PATH` taken apart; no container where it is a path of this side."""
    container, colon, path = argument.partition(":")
    if argument.startswith("/") or not colon or container.startswith("."):
        return "", argument
    return container, path


# --- this side --------------------------------------------------------------------------------


def check_output(path: str) -> None:
    """Refuse to write where there is no folder, or a device."""
    folder = clean(clean(path).rpartition("/")[0]) if "/" in clean(path) else "."
    if folder != "." and not _exists(folder or "/"):
        raise CliError(f"invalid output path: directory {go_quote(folder)} does not exist")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as err:
        raise CliError(os_error(err, "stat")) from err
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        raise CliError(
            f"invalid output path: {go_quote(path)} must be a directory or a regular file: "
            "got a device"
        )


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def source(path: str, *, follow: bool) -> Endpoint:
    """A path to copy from: links on the way are followed, the last one with `follow` only."""
    try:
        resolved, name = _resolve(path, follow=follow)
        mode = os.lstat(resolved).st_mode
    except NotADirectoryError as err:
        raise CliError("not a directory") from err
    except OSError as err:
        raise CliError(os_error(err, "lstat")) from err
    return Endpoint(resolved, exists=True, is_folder=stat.S_ISDIR(mode), name=name)


def _resolve(path: str, *, follow: bool) -> tuple[str, str]:
    if follow:
        return renamed(path, _without_links(path))
    folder, _, last = path.rpartition("/")
    resolved = f"{_without_links(folder or '/')}/{last}"
    changed = path.endswith("/") and base(path) != base(resolved)
    return resolved, base(path) if changed else ""


def _without_links(path: str) -> str:
    return os.path.realpath(path, strict=True)


def renamed(path: str, target: str) -> tuple[str, str]:
    """The target of a link with the endings of the path, and the name to be copied by."""
    if _is_content(path) and not _is_content(target):
        target += "/."
    if path.endswith("/") and not target.endswith("/"):
        target += "/"
    return target, base(path) if base(path) != base(target) else ""


def target_of(link: str, target: str) -> str:
    """Where a link points to."""
    if target.startswith("/"):
        return target
    return clean(f"{split(link)[0]}/{target}")


def destination(path: str) -> Endpoint:
    """A path to copy to: links are followed to the end, which need not be there."""
    current = path
    try:
        for _ in range(_LINKS + 2):
            mode = _mode(current)
            if mode is None:
                _check_parent(current)
                return Endpoint(current)
            if not stat.S_ISLNK(mode):
                return Endpoint(current, exists=True, is_folder=stat.S_ISDIR(mode))
            current = target_of(current, os.readlink(current))
    except OSError as err:
        raise CliError(os_error(err, "lstat")) from err
    raise CliError(f"too many symlinks in {path}")


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None


def _check_parent(path: str) -> None:
    folder = split(path)[0]
    try:
        mode = os.stat(folder).st_mode
    except OSError as err:
        raise CliError(os_error(err, "stat")) from err
    if not stat.S_ISDIR(mode):
        raise CliError("not a directory")


# --- both -------------------------------------------------------------------------------------


class Plan:
    """Where an archive is to be unpacked, and what its entries are called there."""

    def __init__(self, folder: str, *renames: tuple[str, str]) -> None:
        self.folder = folder
        self._renames = renames
        """What entries' names begin with, and what they are to begin with; one after the other."""

    def name(self, name: str) -> str:
        """An entry's name at the destination."""
        for old, new in self._renames:
            name = name.replace("" if old == "/" else old, new, 1)
        return name


def plan(origin: Endpoint, target: Endpoint) -> Plan:
    """How to unpack what is packed from the one to the other (go-archive PrepareArchiveCopy).

    Raises CliError where that cannot be.
    """
    entry = split(origin.path)[1]
    renames = [(entry, "" if origin.name == "/" else origin.name)] if origin.name else []
    if target.exists and target.is_folder:
        return Plan(target.path, *renames)
    if target.exists and origin.is_folder:
        raise CliError("cannot copy directory")
    if not target.exists and not origin.is_folder and asserts_folder(target.path):
        raise CliError("no such directory")
    folder, name = split(target.path)
    return Plan(folder, *renames, (origin.name or entry, name))
