"""Streamed JSON documents for a loop that must not wait: read when poll says so."""

from __future__ import annotations

from runner.client import jsontext
from runner.client.errors import UnexpectedAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.client.http import Response


class DocumentStream:
    """The documents of an answer, each on a line of its own."""

    def __init__(self, response: Response) -> None:
        self._connection = response.connection
        chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
        self._chunks = Dechunker() if chunked else None
        self._pending = b""
        self.ended = False
        """Whether there is nothing more to come."""

    def fileno(self) -> int:
        """The connection's descriptor, for poll."""
        return self._connection.fileno()

    def read(self) -> list[Any]:
        """The documents that have come since; waits when poll has not said that there is more.

        Raises UnexpectedAnswer when the stream breaks off in an improper way.
        """
        data = self._connection.receive()
        while self._connection.pending():
            data += self._connection.receive()
        if self._chunks is not None and data:
            self.ended, data = self._chunks.feed(data)
        else:
            self.ended = not data
        *lines, self._pending = (self._pending + data).split(b"\n")
        try:
            return [jsontext.loads(line) for line in lines if line.strip()]
        except ValueError as err:
            raise UnexpectedAnswer(f"invalid message in the engine's stream: {err}") from err

    def has_buffered(self) -> bool:
        """Whether something had come together with the answer's head."""
        return bool(self._connection.buffer)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()


class Dechunker:
    """Takes the chunked transfer coding off, whatever the pieces that it arrives in."""

    def __init__(self) -> None:
        self._pending = b""
        self._left = 0

    def feed(self, data: bytes) -> tuple[bool, bytes]:
        """Whether the last chunk has come, and the content in `data`."""
        out = []
        data = self._pending + data
        while data:
            if self._left > 2:  # the chunk's content; its end of line stands behind it
                piece = data[: self._left - 2]
                out.append(piece)
                data = data[len(piece) :]
                self._left -= len(piece)
            elif self._left:
                self._left, data = self._left - len(data[: self._left]), data[self._left :]
            else:
                line, end, rest = data.partition(b"\r\n")
                if not end:
                    break
                size = _size(line)
                if not size:
                    return True, b"".join(out)
                self._left, data = size + 2, rest
        self._pending = data
        return False, b"".join(out)


def _size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as err:
        raise UnexpectedAnswer(f"malformed chunk: {line!r}") from err
