"""A tap on the way from the docker CLI to its engine, to see what the CLI asks for."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class Tap:
    """A socket that passes everything on to the engine's and remembers what went there."""

    def __init__(self, engine: Path) -> None:
        self._engine = engine
        self._folder = tempfile.TemporaryDirectory(prefix="tap-")
        self.path = Path(self._folder.name) / "docker.sock"
        self._sent: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._folder.cleanup()

    def create_body(self, run: Callable[[], Result]) -> tuple[dict[str, Any], Result]:
        """Do `run`; the body of the `containers/create` in it, and what `run` returned."""
        self._sent.clear()
        result = run()
        for request in b"".join(self._sent).split(b"POST /")[1:]:
            head, _, body = request.partition(b"\r\n\r\n")
            if b"/containers/create" in head.partition(b"\r\n")[0]:
                parsed: dict[str, Any] = json.JSONDecoder().raw_decode(body.decode())[0]
                return parsed, result
        raise LookupError("no container was created")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(str(self._engine))
            threading.Thread(target=self._pass, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(engine, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, remember: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if remember:
                    self._sent.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # either side has gone
