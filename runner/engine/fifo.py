"""FIFOs between a shim and the engine (moby libcontainerd newFIFOSet, containerd/fifo)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import struct
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.linux import pipes
from runner.linux.ready import resolve
from runner.logs import READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator


_LOOK_AGAIN = 0.02
_LOOK_AGAIN_AT_MOST = 1.0


@dataclass(frozen=True, slots=True)
class FifoSet:
    """Paths of one process's FIFOs; empty where it has no such stream."""

    stdin: str
    stdout: str
    stderr: str

    @classmethod
    def named(cls, directory: Path, process: str, *, stdin: bool, tty: bool) -> FifoSet:
        """The paths of `process`'s FIFOs; a terminal has no stderr of its own."""
        return cls(
            stdin=str(directory / f"{process}-stdin") if stdin else "",
            stdout=str(directory / f"{process}-stdout"),
            stderr="" if tty else str(directory / f"{process}-stderr"),
        )

    def make(self) -> None:
        """Make those that are not there."""
        for path in self.paths():
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)

    def paths(self) -> Iterator[str]:
        """Those that exist."""
        return (path for path in (self.stdin, self.stdout, self.stderr) if path)


class FifoReader:
    """Reads a FIFO until its last writer has closed it, and leaves there what is not yet dropped.

    Should the engine be killed in between, the next one finds in the FIFO what this one had not
    done with. The kernel's buffer is so the only one that the log needs.

    Opened before a writer is there: epoll reports nothing until one has come, so an end that it
    reports is a real one. It reports changes only, for what is left in the FIFO stays readable.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # as much as the kernel grants
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, pipes.CAPACITY)
        self._capacity = fcntl.fcntl(self._fd, fcntl.F_GETPIPE_SZ)
        self._epoll = select.epoll()
        self._epoll.register(self._fd, select.EPOLLIN | select.EPOLLET)
        self._left = 0
        self._crowded = False
        self._pause = _LOOK_AGAIN
        self._written_to = False
        self._hung_up = False

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    async def fetch(self) -> bytes:
        """What has been written since the last time, b"" at the end."""
        while not (data := self._look()):
            if self._hung_up:
                return b""
            await self._changed()
        return data

    def _look(self) -> bytes:
        if not self._written_to:
            return b""
        new = self._peek(self._left + READ_SIZE)
        self._note_whether_crowded()
        return new

    def _peek(self, size: int) -> bytes:
        """What of the first `size` bytes in the FIFO has not been fetched; now it has."""
        try:
            new = pipes.peek(self._fd, size)[self._left :]
        except BlockingIOError:
            return b""
        self._left += len(new)
        return new

    def _note_whether_crowded(self) -> None:
        """Whether a writer may be waiting for room, or have waited and not run since.

        It finds the FIFO full of pages, which need not be full of bytes. Until the FIFO has been
        empty, nothing tells that the writer has gone on.
        """
        (held,) = struct.unpack("i", fcntl.ioctl(self._fd, termios.FIONREAD, b"\0" * 4))
        if held > self._capacity // 8:
            self._crowded, self._pause = True, _LOOK_AGAIN
        elif not held:
            self._crowded = False

    def rest(self) -> bytes:
        """What lies in the FIFO and has not been fetched, be its end reached or not."""
        return self._peek(self._capacity)

    async def _changed(self) -> None:
        """Wait until epoll tells of a change. Of one it does not tell: a write that was waiting for
        room goes on when some is made, and wakes nobody while anything is left in the FIFO."""
        loop = asyncio.get_running_loop()
        changed: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._epoll.fileno(), resolve, changed)
        try:
            await asyncio.wait({changed}, timeout=self._pause if self._crowded else None)
            self._pause = min(2 * self._pause, _LOOK_AGAIN_AT_MOST)
        finally:
            loop.remove_reader(self._epoll.fileno())
        for _, event in self._epoll.poll(0):
            self._written_to = True
            self._hung_up |= bool(event & select.EPOLLHUP)

    def drop(self, size: int) -> None:
        """So many bytes of what was fetched have been taken care of."""
        pipes.drop(self._fd, size)
        self._left -= size

    def close(self) -> None:
        """Close it; what is left in it stays while somebody else has it open."""
        self._epoll.close()
        os.close(self._fd)
