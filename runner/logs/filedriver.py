"""The drivers that keep a log file and read it back: json-file and local."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.logs.logfile import LogFile
from runner.logs.reader import read_logs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner.logs.codec import Codec
    from runner.logs.logfile import Rotation
    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig


class FileDriver:
    """Writes records to a file, rotates it and reads it back."""

    readable = True

    def __init__(self, path: Path, rotation: Rotation, codec: Codec) -> None:
        """Open the file. Raises OSError."""
        self._file = LogFile(path, rotation, codec)

    async def write(self, batch: Batch) -> None:
        """Append the records, all in one write where no rotation falls between."""
        await self._file.write(batch)

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The records, rotated files first."""
        return read_logs(self._file, config)

    async def close(self) -> None:
        """Close the file; followers end when they have read all."""
        await self._file.close()
