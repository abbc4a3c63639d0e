"""tmpfs mounts: --tmpfs, and --mount type=tmpfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.types.container import HostConfig, TmpfsOptions
    from runner.volume.mount_point import MountPoint

_UNITS: Final = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))


def convert_tmpfs_options(options: TmpfsOptions | None, read_only: bool) -> str:
    """The options for mount(8) (moby ConvertTmpfsOptions). Raises InvalidParameter."""
    words = ["ro"] if read_only else []
    if options is not None:
        if options.mode:
            words.append(f"mode={options.mode:o}")
        if options.size_bytes:
            words.append(f"size={_size(options.size_bytes)}")
        words += _further(options.options or [])
    return ",".join(words)


def _size(size: int) -> str:
    """The size with the largest unit that divides it."""
    for unit, divisor in _UNITS:
        if size % divisor == 0:
            return f"{size // divisor}{unit}"
    return str(size)


def _further(options: Iterable[Sequence[str]]) -> list[str]:
    words = []
    for option in options:
        if not 1 <= len(option) <= 2:
            raise InvalidParameter("invalid option array length")
        if option[0] not in ("exec", "noexec"):
            raise InvalidParameter(f"invalid option: {option[0]}")
        words.append("=".join(option))
    return words


def tmpfs_mounts(host_config: HostConfig, points: Mapping[str, MountPoint]) -> dict[str, str]:
    """Options by destination, of both kinds (moby Container.TmpfsMounts)."""
    mounts = dict(host_config.tmpfs or {})
    for destination, point in points.items():
        if point.type == "tmpfs":
            spec = point.spec
            mounts[destination] = convert_tmpfs_options(spec.tmpfs_options, spec.read_only)
    return mounts
