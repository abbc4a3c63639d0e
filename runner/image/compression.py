"""Decompressing a stream as it comes, whatever of gzip, zstd, bzip2, xz it is, or none.

Output goes to a sink in bounded pieces, so that a few bytes that unpack to gigabytes never are in
memory at once. What is asked of the sink it may refuse by raising.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from runner.tar.compression import Compression
from runner.types.errors import InvalidParameter

_PIECE = 1 << 20
_ZSTD_WINDOW_MAX = 1 << 27
_ZSTD_SLICE = 1 << 10
"""Bytes of input: four can become a block of 128 KiB, so that these become 32 MiB at most."""

_XZ_MEMORY_MAX = 256 << 20
_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)

Sink = Callable[[bytes], None]


class _Incremental(Protocol):
    """What bz2's and lzma's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Decoder:
    """Feed it the stream's pieces, then `finish`. Both block; both raise InvalidParameter."""

    def __init__(self, compression: Compression, sink: Sink) -> None:
        self._sink = sink
        self._feed, self._finish = self._functions(compression)

    def feed(self, data: bytes) -> None:
        """Decompress some more into the sink."""
        try:
            self._feed(data)
        except _ERRORS as err:
            raise InvalidParameter(f"invalid compressed data: {err}") from err

    def finish(self) -> None:
        """The stream is at its end, which must be that of its compressed data too."""
        if not self._finish():
            raise InvalidParameter("unexpected EOF")

    def _functions(self, compression: Compression) -> tuple[Sink, Callable[[], bool]]:
        match compression:
            case Compression.NONE:
                return self._sink, lambda: True
            case Compression.GZIP:
                gzip = _Members(_Gzip, self._sink)
                return gzip.feed, gzip.at_end
            case Compression.BZIP2:
                bzip2 = _Members(bz2.BZ2Decompressor, self._sink)
                return bzip2.feed, bzip2.at_end
            case Compression.XZ:
                xz = _Members(_xz, self._sink)
                return xz.feed, xz.at_end
            case Compression.ZSTD:
                zstd = _Zstd(self._sink)
                return zstd.feed, zstd.at_end


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY_MAX)


class _Members:
    """Formats whose files may be several streams one after the other, padded with zeros."""

    def __init__(self, make: Callable[[], _Incremental], sink: Sink) -> None:
        self._make = make
        self._sink = sink
        self._current: _Incremental | None = None
        self._begun = False

    def feed(self, data: bytes) -> None:
        while data:
            if self._current is None:
                data = data.lstrip(b"\0") if self._begun else data
                if not data:
                    return
                self._current, self._begun = self._make(), True
            data = self._drain(self._current, data)

    def _drain(self, current: _Incremental, data: bytes) -> bytes:
        """Push the data through; what is behind the stream's end is returned."""
        while True:
            self._sink(current.decompress(data, _PIECE))
            if current.eof:
                self._current = None
                return current.unused_data
            if current.needs_input:
                return b""
            data = b""

    def at_end(self) -> bool:
        return self._current is None


class _Gzip:
    """zlib's decompressor with the manners of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(piece) == max_length
        return piece


class _Zstd:
    """zstd frames one after the other, fed so little at a time that little can come out."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start : start + _ZSTD_SLICE]
            while rest:
                rest = self._drain(rest)

    def _drain(self, data: bytes) -> bytes:
        frame = self._frame = self._frame or self._decompressor.decompressobj()
        self._sink(frame.decompress(data))
        if not frame.eof:
            return b""
        self._frame = None
        return frame.unused_data

    def at_end(self) -> bool:
        return self._frame is None
