"""Where the API listens (moby daemon/listeners, docker/go-connections).

unix:///run/runner.sock     0660, of the group `docker` or the one named, else of root's
fd://                       the sockets that systemd has opened (LISTEN_FDS)
tcp://HOST:PORT             with TLS client certificates, or else with warnings (runner/api/tcp.py)
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import logging
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.tcp import BACKLOG, Access, listen_tcp
from runner.api.tlsfront import serving_tls
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator, Sequence

log = logging.getLogger(__name__)

DEFAULT_HOST: Final = "unix:///run/runner.sock"

DEFAULT_GROUP: Final = "docker"
_FIRST_FD: Final = 3
_MAX_HEADER: Final = 1 << 20  # net/http's DefaultMaxHeaderBytes
_ANYBODY: Final = Access()


@dataclass(slots=True)
class Listener:
    """A listening socket; `tls` is set for TCP, `path` for a socket file of our making."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    path: Path | None = None

    def withdraw(self) -> None:
        """Remove the file, while it is still surely ours: the next engine may make its own."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    def close(self) -> None:
        """Listen no longer. Idempotent."""
        self.withdraw()
        self.socket.close()


def listen(
    hosts: Sequence[str], *, group: str = DEFAULT_GROUP, access: Access = _ANYBODY
) -> list[Listener]:
    """Open every address. Raises InvalidParameter for a bad one, System when it cannot be had.

    Either all are open afterwards or none.
    """
    with contextlib.ExitStack() as undo:
        listeners: list[Listener] = []
        for host in hosts:
            for listener in _listen(host, group, access):
                undo.callback(listener.close)
                listeners.append(listener)
        undo.pop_all()
    return listeners


def _listen(host: str, group: str, access: Access) -> list[Listener]:
    scheme, separator, address = host.partition("://")
    if separator and scheme == "unix":
        return [_listen_unix(Path(address or DEFAULT_HOST.removeprefix("unix://")), group)]
    if separator and scheme == "fd":
        return _inherited(access)
    if separator and scheme == "tcp":
        return [Listener(*listen_tcp(address, access))]
    raise InvalidParameter(f"invalid bind address format: {host}")


def _listen_unix(path: Path, group: str) -> Listener:
    group_id = _group_id(group, path)
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with _only_one(path.parent):
            _remove_stale(path)
            _bind_private(listening, path)
            os.chown(path, -1, group_id)
            path.chmod(0o660)
            listening.listen(BACKLOG)
    except OSError as err:
        listening.close()
        raise System(f"cannot listen on {path}: {err.strerror or err}") from err
    except System:
        listening.close()
        raise
    return Listener(listening, path=path)


@contextlib.contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Of several engines starting at once, let one at a time look and bind."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _bind_private(listening: socket.socket, path: Path) -> None:
    """Bind so that nobody can connect before the group and mode are set."""
    before = os.umask(0o777)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)


def _group_id(group: str, path: Path) -> int:
    """The group of the socket: the one named, else our own. It must exist, but for the default."""
    if not group:
        return os.getegid()
    with contextlib.suppress(KeyError):
        return grp.getgrnam(group).gr_gid
    if group.isdecimal():
        return int(group)
    if group != DEFAULT_GROUP:
        raise InvalidParameter(f"group {group} not found")
    log.warning("could not change group %s to %s: group %s not found", path, group, group)
    return os.getegid()


def _remove_stale(path: Path) -> None:
    """Remove the socket of an engine that has died. Raises System when one lives."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise System(f"cannot listen on {path}: a file is in the way that is not a socket")
    if _is_alive(path):
        raise System(f"cannot listen on {path}: another engine is listening there")
    path.unlink(missing_ok=True)


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # a full backlog, too, is a sign of life
        return probe.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT)


def _inherited(access: Access) -> list[Listener]:
    """systemd's sockets (sd_listen_fds(3)); the variables are not passed on to our children."""
    count = os.environ.pop("LISTEN_FDS", "0")
    pid = os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or not int(count):
        raise System(
            "no sockets found via socket activation: make sure the service was started by systemd"
        )
    return [_adopt(_FIRST_FD + number, access) for number in range(int(count))]


def _adopt(descriptor: int, access: Access) -> Listener:
    os.set_inheritable(descriptor, False)
    inherited = socket.socket(fileno=descriptor)
    if inherited.family == socket.AF_UNIX:
        return Listener(inherited)
    if access.tls is None:
        inherited.close()
        raise InvalidParameter("a socket from systemd must be a Unix socket: TCP needs TLS")
    return Listener(inherited, access.tls.context())


@contextlib.asynccontextmanager
async def serving(
    app: web.Application, listeners: Sequence[Listener], *, shutdown_timeout: float = 5.0
) -> AsyncIterator[None]:
    """Serve on all listeners while inside; afterwards requests have `shutdown_timeout` seconds.

    Handlers are cancelled when their client has gone: `make_app` lets only streams notice.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=3600.0,
        shutdown_timeout=shutdown_timeout,
        auto_decompress=False,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        for listener in listeners:
            await _open(runner, listener, stack)
        try:
            yield
        finally:
            for listener in listeners:
                listener.withdraw()
            if any(listener.tls for listener in listeners):
                await runner.cleanup()  # before what TLS still has to carry is given up


async def _open(
    runner: web.AppRunner, listener: Listener, stack: contextlib.AsyncExitStack
) -> None:
    if listener.tls is None:
        await web.SockSite(runner, listener.socket).start()
        return
    assert runner.server is not None
    front = serving_tls(runner.server, listener.socket, listener.tls)
    await stack.enter_async_context(front)
