"""The json-file driver: Docker's default (moby daemon/logger/jsonfilelog)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.logs.filedriver import FileDriver
from runner.logs.jsonlog import JSONLines
from runner.logs.logfile import Rotation
from runner.logs.tag import parse_log_tag
from runner.types.gotext import atoi, parse_bool
from runner.types.units import from_human_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.logs.info import LogInfo


def create_json_file(options: Mapping[str, str], info: LogInfo) -> FileDriver:
    """Open the container's file. Raises ValueError for options that are wrong, OSError."""
    rotation = _rotation(options)
    attrs = info.extra_attributes(options)
    if tag := parse_log_tag(options.get("tag", ""), info):
        attrs["tag"] = tag
    return FileDriver(Path(info.log_path), rotation, JSONLines(attrs))


def _rotation(options: Mapping[str, str]) -> Rotation:
    max_size = _max_size(options["max-size"]) if "max-size" in options else None
    max_files = _max_files(options.get("max-file", "1"))
    compress = "compress" in options and parse_bool(options["compress"])
    if compress and (max_files == 1 or max_size is None):
        raise ValueError(
            "compress cannot be true when max-file is less than 2 or max-size is not set"
        )
    return Rotation(max_size, max_files, compress)


def _max_size(text: str) -> int:
    size = from_human_size(text)
    if size <= 0:
        raise ValueError("max-size must be a positive number")
    return size


def _max_files(text: str) -> int:
    if (count := atoi(text)) < 1:
        raise ValueError("max-file cannot be less than 1")
    return count
