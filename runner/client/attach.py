"""A container's attached streams, between the engine's connection and the caller's descriptors.

docker/cli's hijackedIOStreamer on one thread: output and input are pumped as poll says, so that
neither can keep the other waiting.
"""

from __future__ import annotations

import os

from runner.client import output
from runner.client.errors import ClientError
from runner.client.streams import Demultiplexer
from runner.client.terminal import DetachKeys, RawMode, parse_detach_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.client.reactor import Reactor
    from runner.client.transport import Connection

_PIECE = 65536
_STDIN = 0


class Detached(ClientError):
    """The detach keys were typed."""

    def __init__(self) -> None:
        super().__init__("read escape sequence")


class AttachedStreams:
    """Pumps until the engine ends the stream (`finished`) or the user detaches (`detached`)."""

    def __init__(
        self,
        reactor: Reactor,
        connection: Connection,
        *,
        tty: bool,
        stdin: bool,
        detach_keys: str = "",
    ) -> None:
        self.finished = False
        self.detached = False
        self._reactor = reactor
        self._connection = connection
        self._frames = None if tty else Demultiplexer()
        self._stdin = stdin
        self._raw = RawMode(_STDIN)
        self._keys = DetachKeys(_detach_sequence(detach_keys)) if tty and stdin else None
        self._outgoing = b""
        self._stdin_ended = False

    def start(self) -> None:
        """Take the terminal and begin; `stop` must follow, come what may."""
        output.flush()
        if self._keys is not None:
            self._raw.enter()
        if self._connection.buffer:
            self._deliver(self._connection.receive())
        self._connection.sock.setblocking(False)
        if self._stdin:
            self._watch_stdin()
        else:
            self._half_close()
        self._watch_connection()
        if self._connection.pending():
            self._read()

    def stop(self) -> None:
        """Give the terminal back and close the connection; safe to call twice."""
        self._raw.leave()
        self._reactor.forget(_STDIN)
        if not self.finished:
            self.finished = True
            self._reactor.forget(self._connection.fileno())
        self._connection.close()

    def _watch_connection(self, *, writing: bool = False) -> None:
        if not self.finished:
            write = self._send if writing else None
            self._reactor.watch(self._connection.fileno(), read=self._read, write=write)

    def _watch_stdin(self) -> None:
        if not (self._stdin_ended or self.finished):
            self._reactor.watch(_STDIN, read=self._type)

    def _read(self) -> None:
        """One piece, so that signals and stdin get their turn; poll tells if there is more."""
        try:
            while data := self._connection.sock.recv(_PIECE):
                self._deliver(data)
                if not self._connection.pending():
                    return
        except BlockingIOError:
            return
        except OSError:
            pass  # the engine went away: an end like another, the exit status tells the rest
        self._end()

    def _deliver(self, data: bytes) -> None:
        if self._frames is None:
            output.write(1, data)
        else:
            output.deliver(self._frames.feed(data))

    def _end(self) -> None:
        self._raw.leave()
        self._reactor.forget(self._connection.fileno())
        self._reactor.forget(_STDIN)
        self.finished = True

    def _type(self) -> None:
        """Take what was typed or piped; nothing more until the engine has taken it."""
        try:
            data = os.read(_STDIN, _PIECE)
        except OSError:
            data = b""  # a terminal that hung up
        if not data:
            self._stdin_ended = True
        elif self._keys is not None:
            data, self.detached = self._keys.feed(data)
        self._reactor.forget(_STDIN)
        self._outgoing = data
        self._send()

    def _send(self) -> None:
        """Send what is waiting, then read on or half-close."""
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[self._connection.sock.send(self._outgoing) :]
            self._connection.flush()
        except BlockingIOError:
            self._watch_connection(writing=True)
            return
        except OSError:
            self._outgoing, self._stdin_ended = b"", True  # nobody reads it any more
        self._watch_connection()
        if self._stdin_ended:
            self._half_close()
        elif not self.detached:
            self._watch_stdin()

    def _half_close(self) -> None:
        # contextlib is not worth its import here
        try:  # noqa: SIM105
            self._connection.close_write()
        except OSError:
            pass  # closed by the other end already


def _detach_sequence(keys: str) -> bytes:
    """The keys asked for; an invalid sequence is the engine's to refuse, it was told first."""
    return parse_detach_keys(keys) if keys else bytes((16, 17))
