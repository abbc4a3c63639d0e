"""Options of tmpfs mounts (moby/sys/mount MergeTmpfsOptions, volume/mounts linux_parser.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.types.container import TmpfsOptions

_PROPAGATION: Final = "propagation"
_FLAGS: Final = {
    name: kind
    for kind, names in {
        "ro": "ro rw",
        "nosuid": "nosuid suid",
        "nodev": "nodev dev",
        "noexec": "noexec exec",
        "sync": "sync async",
        "dirsync": "dirsync",
        "remount": "remount",
        "mand": "mand nomand",
        "noatime": "noatime atime",
        "nodiratime": "nodiratime diratime",
        "relatime": "relatime norelatime",
        "strictatime": "strictatime nostrictatime",
        _PROPAGATION: "bind rbind unbindable runbindable private rprivate shared rshared "
        "slave rslave",
    }.items()
    for name in names.split()
}
"""Flags of mount(8) and what each sets: of several for the same, the last one counts."""

_DATA: Final = frozenset({"", "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"})
_MOUNT_OPTIONS: Final = frozenset({"exec", "noexec"})
_SUFFIXES: Final = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))


def merge_tmpfs_options(options: Sequence[str]) -> list[str]:
    """Drop what a later option overrides. Raises InvalidParameter for unknown ones."""
    kept: list[str] = []
    seen: set[str] = set()
    for option in reversed(options):
        if option == "defaults":
            continue
        key = _key(option)
        if key not in seen:
            seen.add(key)
            kept.append(option)
    return kept[::-1]


def convert_tmpfs_options(options: TmpfsOptions | None, read_only: bool) -> str:
    """The options of --mount type=tmpfs as --tmpfs would have them. Raises InvalidParameter."""
    converted = ["ro"] if read_only else []
    if options is not None:
        if options.mode:
            converted.append(f"mode={options.mode:o}")
        if options.size_bytes:
            converted.append(f"size={_short_size(options.size_bytes)}")
        converted += _validate_tmpfs_options(options.options or [])
    return ",".join(converted)


def _key(option: str) -> str:
    if option in _FLAGS:
        return _FLAGS[option]
    name, equals, _ = option.partition("=")
    if not equals or name not in _DATA:
        raise InvalidParameter(f'invalid tmpfs option "{name}"')
    return f"{name}="


def _short_size(size: int) -> str:
    for suffix, unit in _SUFFIXES:
        if size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)


def _validate_tmpfs_options(options: Iterable[Sequence[str]]) -> list[str]:
    """`["noexec"]` or `["key", "value"]`."""
    validated: list[str] = []
    for option in options:
        if len(option) not in (1, 2):
            raise InvalidParameter("invalid option array length")
        if option[0] not in _MOUNT_OPTIONS:
            raise InvalidParameter(f"invalid option: {option[0]}")
        validated.append("=".join(option))
    return validated
