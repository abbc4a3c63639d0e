"""The engine's side: starting jobs, and seeing to it that each of them ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import runner
from runner.files.messages import Answer, Done, Failed, PathStat
from runner.linux.threads import to_end
from runner.types.errors import InvalidParameter, NotFound, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.files.messages import Job

log = logging.getLogger(__name__)

CHUNK: Final = 1 << 18
"""Bytes that are read at a time."""

_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv[2]);"
    " from runner.files.helper import main; main(int(sys.argv[1]))"
)
_SO_SNDBUFFORCE: Final = 32
_BUFFER: Final = 1 << 20
"""Bytes between the engine and a process: the larger, the less they wait for each other."""

_END_TIMEOUT: Final = 10.0

_encode = msgspec.json.encode
_decode: Final = msgspec.json.Decoder(Answer).decode


class FileMissing(NotFound):
    """Something that a job needs is not there, the file itself as a rule."""


class FileService:
    """Jobs on containers' files, each in a process of its own. The helper that they are forked
    from is started when it is first needed, and again should it be gone."""

    def __init__(self) -> None:
        self._helper: _Helper | None = None
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def start(self, job: Job) -> AsyncIterator[Work]:
        """Start the job; at the end its process is gone with all its mounts, done or not.

        Raises System when no process can be had.
        """
        with contextlib.ExitStack() as stack:
            pairs = [socket.socketpair() for _ in ("control", "data")]
            for each in itertools.chain(*pairs):
                stack.enter_context(each)
                with contextlib.suppress(PermissionError):  # not in a user namespace
                    each.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER)
            (control, their_control), (data, their_data) = pairs
            await self._hand_over(their_control, their_data)
            their_control.close()
            their_data.close()
            work = Work(control, data)
            try:
                await work.ask(job)
                yield work
            finally:
                await to_end(work.end)

    async def close(self) -> None:
        """End the helper. Jobs that are not done lose their connections and end too."""
        helper, self._helper = self._helper, None
        if helper is not None:
            await helper.close()

    async def _hand_over(self, control: socket.socket, data: socket.socket) -> None:
        """Give its ends of the connections to a process that waits for them."""
        async with self._lock:
            for _ in range(2):
                if self._helper is None:
                    self._helper = await _Helper.spawn()
                try:
                    self._helper.hand_over(control, data)
                except OSError as err:
                    log.warning("the helper for containers' files is gone: %s", err)
                    await self.close()
                else:
                    return
        raise System("the process that works on containers' files cannot be started")


class Work:
    """A job that is being done."""

    def __init__(self, control: socket.socket, data: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._control = control
        self._answers = b""
        self._process: int | None = None
        self._data = data
        for each in (control, data):
            each.setblocking(False)

    async def ask(self, job: Job) -> None:
        """Say what is to be done. Of a process that is gone the first answer tells."""
        with contextlib.suppress(ConnectionError):
            await self._loop.sock_sendall(self._control, _encode(job) + b"\n")

    async def stat(self) -> PathStat:
        """What is at the path. Raises as `finish` does."""
        answer = await self._answer()
        assert isinstance(answer, PathStat)
        return answer

    async def finish(self) -> None:
        """Wait until it is done. Raises FileMissing, InvalidParameter for a refusal, System."""
        answer = await self._answer()
        assert isinstance(answer, Done)
        for skipped in answer.skipped:
            log.warning("not in the archive: %s", skipped)

    async def _answer(self) -> PathStat | Done:
        while b"\n" not in self._answers:
            await readable(self._control)
            self._receive()
        line, _, self._answers = self._answers.partition(b"\n")
        answer: Answer = _decode(line)
        if not isinstance(answer, Failed):
            return answer
        if answer.missing:
            raise FileMissing(answer.message)
        raise InvalidParameter(answer.message) if answer.refused else System(answer.message)

    async def read(self) -> bytes:
        """Some of the data; nothing at their end, whether that is good or bad: see `finish`."""
        try:
            return await self._loop.sock_recv(self._data, CHUNK)
        except ConnectionResetError:
            return b""

    async def write(self, data: bytes) -> bool:
        """Hand some of the data over; False when no more are wanted: see `finish`."""
        try:
            await self._loop.sock_sendall(self._data, data)
        except ConnectionError:
            return False
        return True

    def end_data(self) -> None:
        """There are no more data."""
        with contextlib.suppress(OSError):
            self._data.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        """Take what has come of the answers; before the first comes the process's pidfd."""
        some, descriptors, _, _ = socket.recv_fds(self._control, CHUNK, 1)
        if not some:
            raise System("the process that works on containers' files has died")
        self._process = descriptors[0] if descriptors else self._process
        self._answers = (self._answers + some).lstrip(b"\n")

    def end(self) -> None:
        """Have the process be gone: one that is done ends by itself, but why wait. Blocks."""
        self._control.settimeout(_END_TIMEOUT)
        with contextlib.suppress(System, OSError):  # it has ended before it could tell anything
            while self._process is None:
                self._receive()
        if self._process is not None:
            _end(self._process)


class _Helper:
    """The helper process and the connection to it."""

    def __init__(self, process: asyncio.subprocess.Process, connection: socket.socket) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    async def spawn(cls) -> _Helper:
        """Start it. Its own session keeps a terminal's interrupt from it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        root = str(Path(runner.__file__).parent.parent)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-X", "utf8", "-c", _PROGRAM, str(theirs.fileno()), root),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return cls(process, ours)

    def hand_over(self, control: socket.socket, data: socket.socket) -> None:
        """Give the connections to the process that waits. Raises OSError."""
        socket.send_fds(self._connection, [b"?"], [control.fileno(), data.fileno()])

    async def close(self) -> None:
        """Let it end, and wait for that."""
        self._connection.close()
        await self._process.wait()


async def readable(connection: socket.socket) -> None:
    """Wait until there is something to be received."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)


def _end(process: int) -> None:
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if not poll.poll(_END_TIMEOUT * 1000):
            log.error("a process that works on a container's files does not end")
    finally:
        os.close(process)
