"""Decompressing a stream as it comes, whatever of gzip, zstd, bzip2, xz it is, or none.

Output comes in bounded pieces, made when they are asked for, so that a few bytes that unpack to
gigabytes never are in memory at once.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Protocol

import zstandard

from runner.tar.compression import Compression
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

_PIECE = 1 << 20
_ZSTD_WINDOW_MAX = 1 << 27
_ZSTD_SLICE = 1 << 10
"""Bytes of input: four can become a block of 128 KiB, so that these become 32 MiB at most."""

_XZ_MEMORY_MAX = 256 << 20
_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)


class _Incremental(Protocol):
    """What bz2's and lzma's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Stream(Protocol):
    """A compressed stream as far as it has come."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...
    def at_end(self) -> bool: ...


class Decoder:
    """Feed it the stream's pieces, then `finish`. Both raise InvalidParameter."""

    def __init__(self, compression: Compression) -> None:
        self._stream = _stream(compression)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next piece unpacks to; to be used up before the one after it. Takes time."""
        try:
            yield from self._stream.feed(data)
        except _ERRORS as err:
            raise InvalidParameter(f"invalid compressed data: {err}") from err

    def finish(self) -> None:
        """The stream is at its end, which must be that of its compressed data too."""
        if not self._stream.at_end():
            raise InvalidParameter("unexpected EOF")


def _stream(compression: Compression) -> _Stream:
    match compression:
        case Compression.NONE:
            return _Plain()
        case Compression.GZIP:
            return _Members(_Gzip)
        case Compression.BZIP2:
            return _Members(bz2.BZ2Decompressor)
        case Compression.XZ:
            return _Members(_xz)
        case Compression.ZSTD:
            return _Zstd()


class _Plain:
    """No compression."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def at_end(self) -> bool:
        return True


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY_MAX)


class _Members:
    """Formats whose files may be several streams one after the other, padded with zeros."""

    def __init__(self, make: Callable[[], _Incremental]) -> None:
        self._make = make
        self._current: _Incremental | None = None
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._current is None:
                data = data.lstrip(b"\0") if self._begun else data
                if not data:
                    return
                self._current, self._begun = self._make(), True
            data = yield from self._drain(self._current, data)

    def _drain(self, current: _Incremental, data: bytes) -> Generator[bytes, None, bytes]:
        """Push the data through; what is behind the stream's end is returned."""
        while True:
            yield current.decompress(data, _PIECE)
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
    """zstd frames one after the other, fed so little at a time that little can come out. The
    library's own reader does not tell a stream that has been cut off from one that has ended."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_MAX)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start : start + _ZSTD_SLICE]
            while rest:
                frame = self._frame = self._frame or self._decompressor.decompressobj()
                yield frame.decompress(rest)
                rest = frame.unused_data if frame.eof else b""
                if frame.eof:
                    self._frame = None

    def at_end(self) -> bool:
        return self._frame is None
