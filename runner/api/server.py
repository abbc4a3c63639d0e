"""Where the API listens (moby daemon/listeners, docker/go-connections).

unix:///run/runner.sock     0660, of the group `docker` or the one named, else of root's
fd://                       the sockets that systemd has opened (LISTEN_FDS)
tcp://HOST:PORT             only with TLS client certificates: who may talk to the API is root
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

DEFAULT_HOST: Final = "unix:///run/runner.sock"

_DEFAULT_GROUP: Final = "docker"
_FIRST_FD: Final = 3
_BACKLOG: Final = 1024
_MAX_HEADER: Final = 1 << 20  # net/http's DefaultMaxHeaderBytes


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """The certificates of a TCP address: the server's, its key, and the clients' authority."""

    certificate: Path
    key: Path
    client_ca: Path

    def context(self) -> ssl.SSLContext:
        """A context that accepts clients with a certificate only. Raises InvalidParameter."""
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.client_ca)
            context.load_cert_chain(self.certificate, self.key)
        except OSError as err:
            raise InvalidParameter(f"cannot load the TLS certificates: {err}") from err
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


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


def listen(hosts: Sequence[str], *, group: str = "", tls: TLSFiles | None = None) -> list[Listener]:
    """Open every address. Raises InvalidParameter for a bad one, System when it cannot be had.

    Either all are open afterwards or none.
    """
    with contextlib.ExitStack() as undo:
        listeners: list[Listener] = []
        for host in hosts:
            for listener in _listen(host, group, tls):
                undo.callback(listener.close)
                listeners.append(listener)
        undo.pop_all()
    return listeners


def _listen(host: str, group: str, tls: TLSFiles | None) -> list[Listener]:
    scheme, separator, address = host.partition("://")
    if separator and scheme == "unix":
        return [_listen_unix(Path(address or DEFAULT_HOST.removeprefix("unix://")), group)]
    if separator and scheme == "fd":
        return _inherited()
    if separator and scheme == "tcp":
        return [_listen_tcp(address, tls)]
    raise InvalidParameter(f"invalid bind address format: {host}")


def _listen_unix(path: Path, group: str) -> Listener:
    group_id = _group_id(group)
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with _only_one(path.parent):
            _remove_stale(path)
            _bind_private(listening, path)
            os.chown(path, -1, group_id)
            path.chmod(0o660)
            listening.listen(_BACKLOG)
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


def _group_id(group: str) -> int:
    """The group of the socket. A group that was asked for by name must exist."""
    try:
        return int(group) if group.isdigit() else grp.getgrnam(group or _DEFAULT_GROUP).gr_gid
    except KeyError:
        if group:
            raise InvalidParameter(f"group {group} not found") from None
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


def _inherited() -> list[Listener]:
    """systemd's sockets (sd_listen_fds(3)); the variables are not passed on to our children."""
    count = os.environ.pop("LISTEN_FDS", "0")
    pid = os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or not int(count):
        raise System(
            "no sockets found via socket activation: make sure the service was started by systemd"
        )
    return [_adopt(_FIRST_FD + number) for number in range(int(count))]


def _adopt(descriptor: int) -> Listener:
    os.set_inheritable(descriptor, False)
    inherited = socket.socket(fileno=descriptor)
    if inherited.family != socket.AF_UNIX:
        inherited.close()
        raise InvalidParameter("a socket from systemd must be a Unix socket: TCP needs TLS")
    return Listener(inherited)


def _listen_tcp(address: str, tls: TLSFiles | None) -> Listener:
    if tls is None:
        raise InvalidParameter(
            f"tcp://{address}: whoever reaches this address would be root on this host, so it is "
            "served with TLS client certificates only (--tlscacert, --tlscert, --tlskey)"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidParameter(f"invalid bind address format: tcp://{address}")
    context = tls.context()
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as err:
        raise System(f"cannot listen on tcp://{address}: {err}") from err
    return Listener(bound, tls=context)


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
    try:
        await runner.setup()
        for listener in listeners:
            await web.SockSite(runner, listener.socket, ssl_context=listener.tls).start()
        yield
    finally:
        for listener in listeners:
            listener.withdraw()
        await runner.cleanup()
