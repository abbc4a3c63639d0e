"""Rotated log files, compressed: gzip with the last record's time in the header's extra field.

The time lets a reader with `since` skip a file without decompressing it. Python's gzip module
cannot write that field, so the header is made here. Source: RFC 1952; moby logfile.go compressFile.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from gzip import GzipFile
from typing import TYPE_CHECKING, BinaryIO, Final

from runner.types.times import format_ns, parse_ns

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = struct.Struct("<4sIBBH")
_MAGIC: Final = b"\x1f\x8b\x08\x04"  # deflate, FEXTRA
_UNKNOWN_OS: Final = 255
_BLOCK: Final = 256 * 1024


def compress_file(path: Path, last_time_ns: int) -> None:
    """Replace `path` by `path.gz`. The original goes only once the copy is whole.

    Blocks. Raises OSError, with the original still there.
    """
    target = path.with_name(path.name + ".gz")
    try:
        with open(path, "rb") as source, open(target, "wb", opener=_private) as sink:
            _compress(source, sink, last_time_ns)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def _compress(source: BinaryIO, sink: BinaryIO, last_time_ns: int) -> None:
    extra = json.dumps({"lastTime": format_ns(last_time_ns)}, separators=(",", ":")).encode()
    sink.write(_HEADER.pack(_MAGIC, 0, 0, _UNKNOWN_OS, len(extra)) + extra)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    checksum = size = 0
    while block := source.read(_BLOCK):
        checksum, size = zlib.crc32(block, checksum), size + len(block)
        sink.write(deflate.compress(block))
    sink.write(deflate.flush() + struct.pack("<II", checksum, size & 0xFFFFFFFF))


def last_time(file: BinaryIO) -> int | None:
    """The last record's time in a compressed file, or None when its header does not say."""
    header = file.read(_HEADER.size)
    file.seek(0)
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        return None
    length = _HEADER.unpack(header)[-1]
    extra = os.pread(file.fileno(), length, _HEADER.size)
    try:
        return parse_ns(json.loads(extra)["lastTime"])
    except (ValueError, KeyError, TypeError):
        return None


def decompress(source: BinaryIO, sink: BinaryIO) -> None:
    """Copy the content of a compressed file. Blocks. Raises OSError or EOFError when it is bad."""
    with GzipFile(fileobj=source) as content:
        shutil.copyfileobj(content, sink, _BLOCK)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
