"""Archives, mutated: for PUT archive, load and import."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from typing import TYPE_CHECKING, Final

import zstandard

from tests.faults.fuzzing.wire import Request
from tests.support.images import (
    Entry,
    device,
    directory,
    file,
    hardlink,
    layer_tar,
    opaque,
    symlink,
    whiteout,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.faults.fuzzing.seeds import Seeds

_BLOCK: Final = 512
_BOMB: Final = 64 << 20
"""Bytes that a small archive becomes: enough to be seen in memory, little enough for a disk."""
_NAMES: Final = (
    *("../../../../etc/fuzzed", "/etc/fuzzed", "a/../../b", "..", ".", "", "/", "a//b", "x" * 300),
    *("a\\b", "\u202e", "\U0001f433", "a\nb", "link/in", "proc/self/environ", ".wh.", ".wh..wh.x"),
)


class Archives:
    """Archives out of a valid one and out of nothing."""

    def __init__(self, valid: bytes, dice: random.Random) -> None:
        self._valid = valid
        self._dice = dice
        self._bombs = [
            gzip.compress(layer_tar([file("bomb", bytes(_BOMB))]), 9),
            zstandard.ZstdCompressor().compress(layer_tar([file("bomb", bytes(_BOMB))])),
            gzip.compress(gzip.compress(bytes(_BOMB), 9), 9),
            gzip.compress(bytes(_BOMB), 9),
        ]

    def request(self, seeds: Seeds) -> Request:
        """A request with one of them."""
        dice = self._dice
        data = self._archive()
        if dice.random() < 0.5:
            path = dice.choice(["/tmp", "/", "/data", "/proc", "/nope", "/etc/passwd", "/dev"])
            flags = dice.choice(["", "&noOverwriteDirNonDir=1", "&copyUIDGID=1"])
            name = seeds.pick("containers", dice).strip("/")
            return self._send("PUT", f"/containers/{name}/archive?path={path}{flags}", data)
        if dice.random() < 0.6:
            return self._send("POST", "/images/load", data)
        return self._send("POST", "/images/create?fromSrc=-&repo=fuzz/imported", data)

    def _send(self, method: str, target: str, data: bytes) -> Request:
        headers = [("Content-Type", self._dice.choice(["application/x-tar", "", "text/plain"]))]
        if self._dice.random() < 0.15:  # less than was promised: the body ends in its midst
            headers.append(("Content-Length", str(len(data) + 1000)))
            return Request(method, target, data, tuple(headers), half_close=True)
        if self._dice.random() < 0.2:
            headers.append(("Transfer-Encoding", "chunked"))
            data = b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n" if data else b"0\r\n\r\n"
        return Request(method, target, data, tuple(headers))

    def _archive(self) -> bytes:
        if self._dice.random() < 0.04:
            return self._dice.choice(self._bombs)
        valid = self._valid if self._dice.random() < 0.4 else layer_tar(self._entries())
        data = self._mutated(valid)
        compress: Callable[[bytes], bytes] = self._dice.choice(
            [bytes, bytes, bytes, gzip.compress, bz2.compress, lzma.compress, _zstd]
        )
        data = compress(data) if len(data) < 1 << 18 else data
        return self._flip(data, 1) if self._dice.random() < 0.1 else data

    def _entries(self) -> list[Entry]:
        dice = self._dice
        made = []
        for _ in range(dice.randrange(8)):
            name, other = dice.choice(_NAMES), dice.choice(_NAMES)
            made.append(
                dice.choice(
                    [
                        file(name, b"fuzz" * dice.randrange(50), mode=dice.randrange(0o10000)),
                        directory(name),
                        symlink(name, other),
                        symlink("link", dice.choice(["/", "..", "link", "/etc"])),
                        hardlink(name, other),
                        device(name, 1, 3),
                        Entry(name, kind=tarfile.FIFOTYPE),
                        whiteout(name),
                        opaque("a"),
                        Entry(name, b"x", uid=2**31 + 5, gid=2**40),
                        Entry(name, xattrs={"user.x": "y", "security.capability": "zz"}),
                        Entry(name, kind=b"Z", data=b"?"),
                    ]
                )
            )
        return made

    def _mutated(self, data: bytes) -> bytes:
        dice = self._dice
        match dice.randrange(9):
            case 0:
                return data[: dice.randrange(len(data) + 1)]
            case 1:
                return self._flip(data, dice.choice([1, 10, 1000]))
            case 2:
                return self._bogus_header(data)
            case 3:
                return dice.randbytes(dice.choice([0, 1, 511, 512, 513, 5000]))
            case 4:
                at = dice.randrange(0, len(data) + 1, _BLOCK)
                return data[:at] + dice.randbytes(_BLOCK) + data[at:]
            case 5:
                return data + data
            case 6:
                return bytes(10240) + data
            case _:
                return data

    def _flip(self, data: bytes, count: int) -> bytes:
        flipped = bytearray(data)
        for _ in range(count if flipped else 0):
            flipped[self._dice.randrange(len(flipped))] ^= 1 << self._dice.randrange(8)
        return bytes(flipped)

    def _bogus_header(self, data: bytes) -> bytes:
        """A header that lies, with a right sum: of its size, its numbers, its kind."""
        dice = self._dice
        header = bytearray(data[:_BLOCK].ljust(_BLOCK, b"\0"))
        huge = dice.choice(
            [
                b"77777777777\0",
                b"-0000000001\0",
                b"zzzzzzzzzzz\0",
                b"\x80" + b"\xff" * 11,
                b"\xff" * 12,
            ]
        )
        start, length = dice.choice([(124, 12), (100, 8), (108, 8), (136, 12), (329, 8)])
        header[start : start + length] = huge[:length]
        header[156:157] = dice.choice([b"0", b"5", b"L", b"K", b"x", b"g", b"S", b"V", b"\0", b"9"])
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        return bytes(header) + data[_BLOCK:]


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)
