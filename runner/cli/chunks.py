"""The pieces of a stream as a file that tarfile can read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Chunks:
    """Reads from the pieces, however long each of them is."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._pending = b""

    def read(self, size: int, /) -> bytes:
        """So many bytes; fewer at the end only."""
        pieces, have = [self._pending], len(self._pending)
        while have < size:
            piece = next(self._chunks, b"")
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self._pending = data[size:]
        return data[:size]
