"""The local driver: a compact format, rotated and compressed unless told otherwise.

Source: moby daemon/logger/local.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.logs.entryfile import LogEntries
from runner.logs.filedriver import FileDriver
from runner.logs.logfile import Rotation
from runner.types.gotext import atoi, parse_bool
from runner.types.units import from_human_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MAX_SIZE: Final = 20 * 1024 * 1024
_MAX_FILES: Final = 5


def create_local(options: Mapping[str, str], path: Path) -> FileDriver:
    """Open the file, in a directory of its own that is made.

    Raises ValueError for options that are wrong, OSError.
    """
    rotation = _rotation(options)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    return FileDriver(path, rotation, LogEntries())


def _rotation(options: Mapping[str, str]) -> Rotation:
    max_size = _max_size(options["max-size"]) if "max-size" in options else _MAX_SIZE
    max_files = _max_files(options["max-file"]) if "max-file" in options else _MAX_FILES
    compress = _compress(options["compress"]) if "compress" in options else True
    if max_files < 0:
        raise ValueError("max file count cannot be less than 0")
    if compress and max_files <= 1:
        raise ValueError("compression cannot be enabled when max file count is 1")
    return Rotation(max_size, max_files, compress)


def _max_size(text: str) -> int:
    try:
        return from_human_size(text)
    except ValueError as err:
        raise ValueError(f"invalid value for max-size: {text}: {err}") from err


def _max_files(text: str) -> int:
    try:
        return atoi(text)
    except ValueError as err:
        raise ValueError(f"invalid value for max-file: {text}: {err}") from err


def _compress(text: str) -> bool:
    try:
        return parse_bool(text)
    except ValueError as err:
        raise ValueError(f"error reading compress log option: {err}") from err
