"""Multiplexed streams: frames of an 8-byte header and a payload (moby stdcopy).

Header: byte 0 is the stream, bytes 1 to 3 are zero, bytes 4 to 7 the payload's length, big-endian.
"""

from __future__ import annotations

from runner.client.errors import UnexpectedAnswer

STDIN, STDOUT, STDERR, SYSTEM_ERROR = range(4)
_HEADER = 8


class Demultiplexer:
    """Takes bytes as they arrive and gives back payload as soon as its stream is known."""

    def __init__(self) -> None:
        self._pending = b""
        self._stream = STDOUT
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payload in `data`, neighbours of one stream joined.

        Raises UnexpectedAnswer on a header that is none.
        """
        out: list[tuple[int, list[bytes]]] = []
        data = self._pending + data
        position, end = 0, len(data)
        while True:
            if self._left:
                piece = data[position : position + self._left]
                if not piece:
                    break
                position += len(piece)
                self._left -= len(piece)
                _append(out, self._stream, piece)
            elif end - position >= _HEADER:
                self._open(data[position : position + _HEADER])
                position += _HEADER
            else:
                break
        self._pending = data[position:]
        return [(stream, b"".join(pieces)) for stream, pieces in out]

    def _open(self, header: bytes) -> None:
        if header[0] > SYSTEM_ERROR or header[1:4] != b"\0\0\0":
            raise UnexpectedAnswer(f"Unrecognized input header: {header[0]}")
        self._stream = header[0]
        self._left = int.from_bytes(header[4:], "big")


def _append(out: list[tuple[int, list[bytes]]], stream: int, piece: bytes) -> None:
    if out and out[-1][0] == stream:
        out[-1][1].append(piece)
    else:
        out.append((stream, [piece]))
