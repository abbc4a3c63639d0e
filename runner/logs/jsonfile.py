"""The json-file driver: Docker's default (moby daemon/logger/jsonfilelog)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.logs.encoding import encode_attrs, encode_batch
from runner.logs.logfile import LogFile, Rotation
from runner.logs.options import parse_bool
from runner.logs.reader import read_logs
from runner.logs.tag import parse_log_tag
from runner.types.units import from_human_size

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from runner.logs.info import LogInfo
    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig
    from runner.types.container import LogConfig

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


class JSONFileDriver:
    """Writes records to a file of JSON lines and reads them back."""

    def __init__(self, file: LogFile, attrs: bytes) -> None:
        self._file = file
        self._attrs = attrs

    async def write(self, batch: Batch) -> None:
        """Append the records, all in one write where no rotation falls between."""
        await self._file.write(encode_batch(batch, self._attrs), batch.timestamp_ns)

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The records, rotated files first."""
        return read_logs(self._file, config)

    async def close(self) -> None:
        """Close the file; followers end."""
        await self._file.close()


def create_json_file(config: LogConfig, info: LogInfo) -> JSONFileDriver:
    """Open the container's file. Raises ValueError for options that are wrong, OSError."""
    options = config.config
    rotation = _rotation(options)
    attrs = info.extra_attributes(options)
    if tag := parse_log_tag(options.get("tag", ""), info):
        attrs["tag"] = tag
    return JSONFileDriver(LogFile(Path(info.log_path), rotation), encode_attrs(attrs))


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
    if not _INTEGER.fullmatch(text):
        raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    if (count := int(text)) < 1:
        raise ValueError("max-file cannot be less than 1")
    return count
