"""A scripted engine: answers each connection with what it was told to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class Script:
    """A unix socket that answers requests with these bytes in turn; `received` has the requests.

    After an answer the connection is closed, unless `keep` is given.
    """

    def __init__(self, folder: Path, *answers: bytes, keep: bool = False) -> None:
        self.host = f"unix://{folder}/s.sock"
        self.received: list[bytes] = []
        self._answers = list(answers)
        self._keep = keep
        self.connections = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/s.sock")
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while self._answers:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        while self._answers and (request := connection.recv(1 << 20)):
            self.received.append(request)
            connection.sendall(self._answers.pop(0))
            if not self._keep:
                return


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP answer with its length, after which the connection closes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
