"""How a stream is compressed, told by its first bytes (moby go-archive compression.Detect)."""

from __future__ import annotations

from enum import Enum

MAGIC_SIZE = 10
"""Bytes that tell the compression."""


class Compression(Enum):
    """The ones that dockerd takes."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"


def detect(start: bytes) -> Compression:
    """The compression of a stream that begins so."""
    if start.startswith(b"BZh"):
        return Compression.BZIP2
    if start.startswith(b"\x1f\x8b\x08"):
        return Compression.GZIP
    if start.startswith(b"\xfd7zXZ\x00"):
        return Compression.XZ
    if start.startswith(b"\x28\xb5\x2f\xfd") or _is_skippable_frame(start):
        return Compression.ZSTD
    return Compression.NONE


def _is_skippable_frame(start: bytes) -> bool:
    """RFC 8878 section 3.1.2."""
    return len(start) >= 8 and start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50
