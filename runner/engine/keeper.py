"""Keeps the containers' output from vanishing while no engine runs.

What a container has written and nobody has read yet lies in its FIFOs, and is gone once nobody has
them open. The engine may die at any time, and a shim closes them when its container ends; so a
small companion process (`runner.linux.fd_keeper`), which outlives the engine, holds them too.

Where it cannot be had containers run all the same: only what they write just before they end,
while no engine runs, is lost then, as with dockerd.
"""

from __future__ import annotations

import array
import contextlib
import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from runner.linux import fd_keeper

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_START_TIMEOUT = 5.0
_ANSWER_TIMEOUT = 2.0
_MESSAGE = 1 << 20


class Keeper:
    """The engine's end of the connection to its companion."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._held: set[str] = set()

    async def open(self) -> None:
        """Connect to the companion of the last engine, or start one. A failure is logged."""
        try:
            self._socket = self._connect()
        except OSError:
            await self._start()

    async def _start(self) -> None:
        self._path.unlink(missing_ok=True)
        until_it_listens = AsyncRetrying(
            retry=retry_if_exception_type(OSError),
            stop=stop_after_delay(_START_TIMEOUT),
            wait=wait_fixed(0.01),
            reraise=True,
        )
        try:
            _spawn([sys.executable, "-I", "-S", fd_keeper.__file__, str(self._path)])
            self._socket = await until_it_listens(self._connect_async)
        except OSError as err:
            log.warning(
                "cannot start the companion that keeps containers' output while no engine runs: %s",
                err,
            )

    async def _connect_async(self) -> socket.socket:
        return self._connect()

    def _connect(self) -> socket.socket:
        connecting = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connecting.connect(str(self._path))
        except OSError:
            connecting.close()
            raise
        connecting.settimeout(_ANSWER_TIMEOUT)
        return connecting

    def hold(self, key: str, fds: Sequence[int]) -> None:
        """Have it hold these as well, in place of what it holds under the key."""
        self._held.add(key)
        self._send(f"hold {key}", fds)

    def drop(self, key: str) -> None:
        """It need not hold them any longer. Idempotent."""
        if key in self._held:
            self._held.discard(key)
            self._send(f"drop {key}")

    def forget_all_but(self, keys: Collection[str]) -> None:
        """Let go of what an earlier engine has left with it, but for these."""
        if self._socket is None:
            return
        self._send("keys")
        with contextlib.suppress(OSError):
            self._held = set(self._socket.recv(_MESSAGE).decode().split())
        for key in self._held.difference(keys):
            self.drop(key)

    def close(self) -> None:
        """Leave it alone with what it holds; it ends when that is nothing."""
        if not self._held:
            self._send("end")
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str, fds: Sequence[int] = ()) -> None:
        if self._socket is None:
            return
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._socket.sendmsg([message.encode()], rights)
        except OSError as err:
            log.warning("the companion that keeps containers' output has gone: %s", err)
            self._socket.close()
            self._socket = None


def _spawn(command: list[str]) -> None:
    """Start a process that is nobody's: asyncio and subprocess would end it with its object."""
    null = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, 0, 2),
    ]
    os.posix_spawn(command[0], command, os.environ, file_actions=null, setsid=True)
