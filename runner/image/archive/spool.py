"""An archive on disk, decompressed, while it is being read.

It never has a name: when its file is closed, or this process killed, its space is free again.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.linux.libc import error_text
from runner.linux.threads import to_end
from runner.tar.compression import MAGIC_SIZE, detect
from runner.tar.decompress import Decoder
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_BATCH = 1 << 20
"""Bytes collected before they go to a thread: handing over costs as much as writing little."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may ask of the disk, so that a small one cannot fill it by unpacking.

    `size` in bytes, uncompressed: generous, since images of 20 GiB exist and a whole set may be
    saved into one archive. `members` bounds memory: each takes some hundred bytes.
    """

    size: int = 64 << 30
    members: int = 100_000


DEFAULT_LIMITS = Limits()


@asynccontextmanager
async def spooled(
    stream: AsyncIterator[bytes], directory: Path, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[int]:
    """The stream, decompressed, as a file descriptor that can be read anywhere.

    `directory` must exist; the file takes as much room as the archive unpacked. Raises
    InvalidParameter for damaged compression and an archive above the limit.
    """
    with tempfile.TemporaryFile(dir=directory, prefix="load-", buffering=0) as file:
        await _fill(stream, _Writer(file.fileno(), limits.size))
        yield file.fileno()


class _Writer:
    """Appends to a file, up to the limit."""

    def __init__(self, fd: int, limit: int) -> None:
        self._fd = fd
        self._left = limit
        self._limit = limit

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise InvalidParameter(
                f"the archive has more than {self._limit} bytes when it is decompressed"
            )
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as err:
            raise System(f"cannot keep the archive: {error_text(err)}") from err


async def _fill(stream: AsyncIterator[bytes], writer: _Writer) -> None:
    decoder: Decoder | None = None
    async for batch in batches(stream):
        if decoder is None:
            decoder = Decoder(detect(batch[:MAGIC_SIZE]))
        await to_end(_unpack, decoder, batch, writer)
    if decoder is not None:
        decoder.finish()


def _unpack(decoder: Decoder, batch: bytes, writer: _Writer) -> None:
    for piece in decoder.feed(batch):
        writer.write(piece)


async def batches(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream in pieces of at least `_BATCH` bytes, but for the last."""
    batch = bytearray()
    async for chunk in stream:
        batch += chunk
        if len(batch) >= _BATCH:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)
