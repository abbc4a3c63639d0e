"""TLS with client certificates, as a socket that can end writing and go on reading.

The ssl module's own socket cannot: its shutdown also reads, and loses what the other end has still
to say. So the record layer is kept apart from the socket here (ssl.MemoryBIO).
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import _socket

_PIECE = 65536


class TLSFiles:
    """The PEM files of a TLS connection; without `ca` the server is not verified."""

    def __init__(self, ca: str = "", cert: str = "", key: str = "") -> None:
        self.ca = ca
        self.cert = cert
        self.key = key

    def context(self) -> ssl.SSLContext:
        """The settings for ssl. Raises OSError when a file cannot be read or is none."""
        made = ssl.create_default_context(cafile=self.ca or None)
        if not self.ca:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if self.cert:
            made.load_cert_chain(self.cert, self.key or None)
        return made


class TLSSocket:
    """The part of a socket's interface that connections use, over TLS."""

    def __init__(self, sock: _socket.socket, files: TLSFiles, name: str) -> None:
        """Shake hands; blocks. Raises OSError when the certificates do not satisfy."""
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = files.context().wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._unsent = b""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self._fill()
        self.flush()

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def setblocking(self, blocking: bool, /) -> None:
        """Whether `send` and `recv` wait."""
        self._sock.setblocking(blocking)

    def sendall(self, data: bytes, /) -> None:
        """Send all of it."""
        self._tls.write(data)
        self.flush()

    def send(self, data: bytes, /) -> int:
        """Take all of it, to go out with `flush`; none while there is still earlier data.

        Raises BlockingIOError then.
        """
        self.flush()
        self._tls.write(data)
        return len(data)

    def flush(self) -> None:
        """Send what was taken. Raises BlockingIOError while the network does not."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]

    def pending(self) -> bool:
        """Whether something has arrived already that poll cannot know of."""
        return self._tls.pending() > 0 or self._incoming.pending > 0

    def recv(self, limit: int, /) -> bytes:
        """What is there; empty at the end. Raises BlockingIOError when nothing is there yet."""
        while True:
            try:
                return self._tls.read(limit)
            except ssl.SSLWantReadError:
                self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close_write(self) -> None:
        """Say that nothing more will come (close_notify), and go on reading."""
        with contextlib.suppress(ssl.SSLError):  # the other end's own comes later, as data does
            self._tls.unwrap()
        self._sock.setblocking(True)
        self.flush()
        self._sock.setblocking(False)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _fill(self) -> None:
        data = self._sock.recv(_PIECE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
