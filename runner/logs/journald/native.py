"""The journal's native protocol: a datagram an entry.

    NAME=value\\n                                       where the value has no newline
    NAME\\n, 8 bytes length, little endian, value, \\n   where it has

What is too large for a datagram goes in a sealed memfd of which only the descriptor is sent.
Source: systemd's JOURNAL_NATIVE_PROTOCOL; coreos/go-systemd journal.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
from typing import TYPE_CHECKING, Final

from runner.logs.datagrams import Datagrams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SOCKET: Final = "/run/systemd/journal/socket"
_NAME: Final = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")
_TOO_LARGE: Final = frozenset({errno.EMSGSIZE, errno.ENOBUFS})
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def encode_fields(fields: Mapping[str, bytes]) -> bytes:
    """The fields of an entry; those left out whose names journald would not take."""
    return b"".join(
        encode_field(name, value) for name, value in fields.items() if _NAME.fullmatch(name)
    )


def encode_field(name: str, value: bytes) -> bytes:
    """One field."""
    if b"\n" not in value:
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)


class Journal:
    """Sends entries to journald, also to one that was started anew."""

    def __init__(self, path: str | Path = SOCKET) -> None:
        self._path = str(path)
        self._datagrams: Datagrams | None = None

    def serves(self) -> bool:
        """Whether there is a journald."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
                probe.connect(self._path)
        except OSError:
            return False
        return True

    async def send(self, entry: bytes) -> None:
        """Send one entry. Raises OSError."""
        if self._datagrams is not None:
            try:
                await _send(self._datagrams, entry)
            except OSError:
                await self.close()
            else:
                return
        self._datagrams = Datagrams.to(self._path)
        await _send(self._datagrams, entry)

    async def close(self) -> None:
        """Close the socket. Idempotent."""
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            await datagrams.close()


async def _send(datagrams: Datagrams, entry: bytes) -> None:
    try:
        await datagrams.send(entry)
    except OSError as err:
        if err.errno not in _TOO_LARGE:
            raise
        await _send_large(datagrams, entry)


async def _send_large(datagrams: Datagrams, entry: bytes) -> None:
    with _sealed(entry) as fd:
        await datagrams.send_file(fd)


@contextlib.contextmanager
def _sealed(data: bytes) -> Iterator[int]:
    """A file in memory that holds the data and can no longer be changed."""
    fd = os.memfd_create("runner-journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
        yield file.fileno()
