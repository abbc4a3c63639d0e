"""Archives that come compressed (moby go-archive compression.DecompressStream)."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import Any, Final, Protocol

import zstandard

from runner.files.channel import Incoming
from runner.files.errors import FilesError
from runner.tar.compression import MAGIC_SIZE, Compression, detect

_ZSTD_WINDOW_MAX: Final = 1 << 27
_ZSTD_SLICE: Final = 1 << 10
"""Bytes of input: four can become a block of 128 KiB, so that these become 32 MiB at most."""

_DAMAGED: Final = (zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile, EOFError)


class _Readable(Protocol):
    """What the libraries' files and ours have in common."""

    def readinto(self, view: memoryview, /) -> int: ...


def decompressed(incoming: Incoming) -> Incoming:
    """The same without its compression; itself when it has none."""
    compression = detect(incoming.peek(MAGIC_SIZE))
    if compression is Compression.NONE:
        return incoming
    file = _open(compression, incoming)

    def read_into(view: memoryview) -> int:
        try:
            return file.readinto(view)
        except _DAMAGED as err:
            raise FilesError(f"invalid compressed data: {err}") from err

    return Incoming(read_into)


def _open(compression: Compression, file: Any) -> _Readable:
    """The library's file over the compressed one, of which it uses no more than `read`."""
    match compression:
        case Compression.GZIP:
            return gzip.GzipFile(fileobj=file)
        case Compression.BZIP2:
            return bz2.BZ2File(file)
        case Compression.XZ:
            return lzma.LZMAFile(file)
        case Compression.ZSTD:
            return _ZstdFile(file)
        case Compression.NONE:
            raise AssertionError


class _ZstdFile:
    """zstd frames one after the other. The library's own reader does not tell a stream that has
    been cut off from one that has ended."""

    def __init__(self, file: Incoming) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._rest = b""
        self._ready = memoryview(b"")

    def readinto(self, view: memoryview, /) -> int:
        """Fill some of the view; 0 at the end. Raises EOFError when it comes too early."""
        while not self._ready:
            data = self._rest or self._file.read(_ZSTD_SLICE)
            if not data:
                if self._frame is not None:
                    raise EOFError("unexpected EOF")
                return 0
            self._decompress(data)
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress(self, data: bytes) -> None:
        frame = self._frame = self._frame or self._decompressor.decompressobj()
        self._ready = memoryview(frame.decompress(data))
        self._rest = frame.unused_data if frame.eof else b""
        if frame.eof:
            self._frame = None
