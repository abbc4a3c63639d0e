"""Archives that come compressed (moby go-archive compression.DecompressStream)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.files.channel import CHUNK, Incoming
from runner.files.errors import FilesError
from runner.tar.compression import MAGIC_SIZE, Compression, detect
from runner.tar.decompress import Decoder
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator


def decompressed(incoming: Incoming) -> Incoming:
    """The same without its compression; itself when it has none."""
    compression = detect(incoming.peek(MAGIC_SIZE))
    if compression is Compression.NONE:
        return incoming
    pieces = _pieces(incoming, Decoder(compression))
    ready = memoryview(b"")

    def read_into(view: memoryview) -> int:
        nonlocal ready
        while not ready and (piece := next(pieces, None)) is not None:
            ready = memoryview(piece)
        count = min(len(view), len(ready))
        view[:count] = ready[:count]
        ready = ready[count:]
        return count

    return Incoming(read_into)


def _pieces(incoming: Incoming, decoder: Decoder) -> Iterator[bytes]:
    try:
        while data := incoming.read(CHUNK):
            yield from decoder.feed(data)
        decoder.finish()
    except InvalidParameter as err:
        raise FilesError(err.message) from err
