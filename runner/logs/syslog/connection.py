"""Connections to a syslog server, made as Go's net.Dial makes them and failing with its words.

Nothing here has a timeout of its own: the kernel's are what dockerd waits for, too.
Source: RackSec/srslog dialer.go, srslog_unix.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from typing import TYPE_CHECKING, Final, Protocol

from runner.logs.datagrams import Datagrams
from runner.logs.syslog.options import TLS, Address
from runner.types.errors import RunnerError
from runner.types.gourl import join_host_port, split_host_port

if TYPE_CHECKING:
    from typing import Any

_LOCAL: Final = [
    Address(network, path)
    for network in ("unixgram", "unix")
    for path in ("/dev/log", "/var/run/syslog", "/var/run/log")
]
_CLOSE_TIMEOUT: Final = 1.0
_HIGHEST_PORT: Final = 65535
_UNTRUSTED: Final = {18, 19, 20, 21}
"""OpenSSL's verification errors for a chain that ends at nobody who is trusted."""


class Connection(Protocol):
    """A way to the server."""

    async def send(self, message: bytes) -> None:
        """Send a message; waits while the server does not take it. Raises OSError."""

    async def close(self) -> None:
        """Let go of it. Idempotent."""


class _Stream:
    """TCP, TLS or a unix stream. The server has nothing to say, so its end of file is its end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # nothing waits here: what was sent is the kernel's, or TLS's. With high=0 TLS would hang.
        writer.transport.set_write_buffer_limits(high=1, low=0)

    async def send(self, message: bytes) -> None:
        if self._reader.at_eof():
            raise ConnectionResetError("the server has closed the connection")
        self._writer.write(message)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._writer.wait_closed()
        self._writer.transport.abort()


async def dial(address: Address, context: ssl.SSLContext | None) -> Connection:
    """Connect to the server; `context` for `tcp+tls`. Raises RunnerError."""
    match address.network:
        case "":
            return await _dial_local()
        case "unix" | "unixgram":
            return await _dial_unix(address)
        case "udp":
            return Datagrams(await _dial_host("udp", address.text, socket.SOCK_DGRAM))
        case _:
            connected = await _dial_host("tcp", address.text, socket.SOCK_STREAM)
            secured = context if address.network == TLS else None
            return await _stream(
                connected, secured, split_host_port(address.text)[0] or "localhost"
            )


async def _dial_local() -> Connection:
    """The host's own syslog, wherever it listens."""
    for address in _LOCAL:
        with contextlib.suppress(RunnerError):
            return await _dial_unix(address)
    raise RunnerError("Unix syslog delivery error")


async def _dial_unix(address: Address) -> Connection:
    kind = socket.SOCK_DGRAM if address.network == "unixgram" else socket.SOCK_STREAM
    try:
        connected = await _connect(socket.AF_UNIX, kind, address.text)
    except OSError as err:
        raise _dial_error(address.network, address.text, err) from err
    return Datagrams(connected) if kind == socket.SOCK_DGRAM else await _stream(connected)


async def _dial_host(network: str, text: str, kind: socket.SocketKind) -> socket.socket:
    """Try the host's addresses in turn; the first one's failure is told."""
    try:
        host, port = split_host_port(text)
    except ValueError as err:
        raise RunnerError(f"dial {network}: {err}") from err
    first: RunnerError | None = None
    for family, peer in await _resolve(network, host, port, kind):
        try:
            return await _connect(family, kind, peer)
        except OSError as err:
            named = join_host_port(str(peer[0]) if host else "", str(peer[1]))
            first = first or _dial_error(network, named, err)
    raise first or RunnerError(f"dial {network}: lookup {host}: no such host")


async def _resolve(
    network: str, host: str, port: str, kind: socket.SocketKind
) -> list[tuple[socket.AddressFamily, Any]]:
    number = int(port[:6] or "0")
    if number > _HIGHEST_PORT:
        raise RunnerError(f"dial {network}: address {port}: invalid port")
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or None, number, type=kind)
    except (OSError, UnicodeError) as err:
        raise RunnerError(f"dial {network}: lookup {host}: no such host") from err
    return [(family, peer) for family, _, _, _, peer in found]


async def _connect(family: int, kind: int, peer: Any) -> socket.socket:
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, peer)
    except BaseException:
        made.close()
        raise
    return made


async def _stream(
    connected: socket.socket, context: ssl.SSLContext | None = None, name: str = ""
) -> _Stream:
    """The connected socket as a stream, after the handshake where there is to be one."""
    try:
        return _Stream(
            *await asyncio.open_connection(
                sock=connected, ssl=context, server_hostname=name if context else None
            )
        )
    except OSError as err:
        raise RunnerError(_handshake_error(err)) from err


def _dial_error(network: str, address: str, err: OSError) -> RunnerError:
    reason = os.strerror(err.errno).lower() if err.errno else str(err)
    return RunnerError(f"dial {network} {address}: connect: {reason}")


def _handshake_error(err: OSError) -> str:
    if isinstance(err, ssl.SSLCertVerificationError):
        untrusted = err.verify_code in _UNTRUSTED
        reason = "certificate signed by unknown authority" if untrusted else err.verify_message
        return f"tls: failed to verify certificate: x509: {reason}"
    return f"tls: {getattr(err, 'reason', None) or err}"
