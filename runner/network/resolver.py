"""The name server of containers on user-defined networks, at 127.0.0.11 (libnetwork resolver.go).

It listens in the container's own namespace, at ports that nobody else would want; rules there lead
port 53 of 127.0.0.11 to them, since a container may want port 53 for a name server of its own. The
chains are called as dockerd's are: images (kind's nodes) look for them and change them.

A container that asks without end is heard so many times a second and has so many questions under
way; the rest is the kernel's to drop. So it cannot keep the engine from its work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.network import answers, netns
from runner.network.records import ResolverRecord
from runner.network.threads import in_own_thread
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import Any

    import dns.message

    from runner.network.answers import Directory
    from runner.network.iptables import IPTables
    from runner.network.records import NameServer

log = logging.getLogger(__name__)

ADDRESS: Final = "127.0.0.11"
_PORT: Final = 53
_SERVERS: Final = 3
"""How many name servers are tried, at most."""
_PATIENCE: Final = 4.0
"""Seconds that a name server has for its answer."""
_UNDER_WAY: Final = 128
"""Questions that a container may have others asked, at the same time."""
_CONNECTIONS: Final = 32
"""TCP connections of a container."""
_IDLE: Final = 10.0
"""Seconds until the next question on a connection."""
_DATAGRAMS: Final = 16
"""Questions that are read before the loop does other things."""
_WINDOW: Final = 0.1
_PER_WINDOW: Final = 200
"""Questions that a container may ask by UDP in `_WINDOW` seconds."""
_LARGEST: Final = 65535


def rules(udp_port: int, tcp_port: int, *, jumps: bool) -> str:
    """What leads port 53 to the resolver, for iptables-restore; `jumps` are missing yet."""
    lines = ["*nat", ":DOCKER_OUTPUT - [0:0]", ":DOCKER_POSTROUTING - [0:0]"]
    if jumps:
        lines.append(f"-A OUTPUT -d {ADDRESS}/32 -j DOCKER_OUTPUT")
        lines.append(f"-A POSTROUTING -d {ADDRESS}/32 -j DOCKER_POSTROUTING")
    for protocol, port in (("tcp", tcp_port), ("udp", udp_port)):
        match = f"-p {protocol} -m {protocol}"
        lines.append(
            f"-A DOCKER_OUTPUT -d {ADDRESS}/32 {match} --dport {_PORT}"
            f" -j DNAT --to-destination {ADDRESS}:{port}"
        )
        lines.append(
            f"-A DOCKER_POSTROUTING -s {ADDRESS}/32 {match} --sport {port}"
            f" -j SNAT --to-source :{_PORT}"
        )
    return "\n".join((*lines, "COMMIT\n"))


async def start_resolver(
    key: Path, iptables: IPTables, directory: Directory, wanted: ResolverRecord
) -> Resolver:
    """Listen in the sandbox at `key`; with ports in `wanted` at the same as before.

    Raises System; then nothing listens.
    """
    try:
        udp, tcp = await in_own_thread(lambda: _open(key, iptables, wanted))
    except OSError as err:
        raise System(f"failed to start the resolver: {error_text(err)}") from err
    record = ResolverRecord(
        udp.getsockname()[1], tcp.getsockname()[1], wanted.servers, wanted.ndots
    )
    resolver = Resolver(key, directory, record, udp, tcp)
    await resolver.start()
    return resolver


def _open(
    key: Path, iptables: IPTables, wanted: ResolverRecord
) -> tuple[socket.socket, socket.socket]:
    netns.enter(key)
    with contextlib.ExitStack() as undo:
        udp = undo.enter_context(_bind(socket.SOCK_DGRAM, wanted.udp_port))
        tcp = undo.enter_context(_bind(socket.SOCK_STREAM, wanted.tcp_port))
        tcp.listen(_CONNECTIONS)
        ports = udp.getsockname()[1], tcp.getsockname()[1]
        if ports != (wanted.udp_port, wanted.tcp_port):
            iptables.restore(rules(*ports, jumps=not wanted.udp_port))
        undo.pop_all()
    return udp, tcp


def _bind(kind: int, port: int) -> socket.socket:
    """A socket at the port, or at another when somebody in the container has that by now."""
    made = socket.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((ADDRESS, port))
        except OSError:
            if not port:
                raise
            made.bind((ADDRESS, 0))
    except BaseException:
        made.close()
        raise
    return made


class Resolver:
    """One container's. `forward` tells whether the host's name servers may be asked from the host:
    not for a container that has no way outside."""

    def __init__(
        self,
        key: Path,
        directory: Directory,
        record: ResolverRecord,
        udp: socket.socket,
        tcp: socket.socket,
    ) -> None:
        self.record = record
        self.forward = True
        self._key = key
        self._directory = directory
        self._udp = udp
        self._tcp = tcp
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._heard = 0
        self._window = 0.0
        self._rest: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen."""
        self._loop.add_reader(self._udp, self._readable)
        self._server = await asyncio.start_server(self._accepted, sock=self._tcp)

    async def close(self) -> None:
        """Listen no longer. Safe to call twice."""
        if self._rest is not None:
            self._rest.cancel()
        if self._udp.fileno() != -1:
            self._loop.remove_reader(self._udp)
            self._udp.close()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS):
            if not self._may_ask():
                return
            try:
                wire, client = self._udp.recvfrom(_LARGEST)
            except OSError:  # no more; or an answer found nobody
                return
            self._heard_datagram(wire, client)

    def _may_ask(self) -> bool:
        """Whether one more question is heard now; if not, later ones are."""
        now = self._loop.time()
        if now - self._window >= _WINDOW:
            self._window, self._heard = now, 0
        self._heard += 1
        if self._heard <= _PER_WINDOW:
            return True
        self._loop.remove_reader(self._udp)
        self._rest = self._loop.call_at(self._window + _WINDOW, self._listen_again)
        return False

    def _listen_again(self) -> None:
        self._loop.add_reader(self._udp, self._readable)

    def _heard_datagram(self, wire: bytes, client: tuple[str, int]) -> None:
        query = answers.parse(wire)
        if query is None:
            return
        if (known := self._known(query)) is not None:
            self._send(answers.encode(known, query, datagram=True), client)
        elif len(self._tasks) >= _UNDER_WAY:
            refused = answers.failure(query, refused=True)
            self._send(answers.encode(refused, query, datagram=True), client)
        else:
            self._begin(self._pass_on_datagram(query, wire, client))

    def _known(self, query: dns.message.Message) -> dns.message.Message | None:
        """The answer that needs nobody else."""
        try:
            known = answers.answer(query, self._directory)
        except ValueError as err:  # a name that no answer can hold
            log.debug("cannot answer: %s", err)
            return answers.failure(query)
        if known is None and self.record.ndots and answers.is_bare(query):
            return answers.nothing(query)
        return known

    async def _pass_on_datagram(
        self, query: dns.message.Message, wire: bytes, client: tuple[str, int]
    ) -> None:
        found = await self._pass_on(wire, socket.SOCK_DGRAM)
        self._send(found or answers.encode(answers.failure(query), query, datagram=True), client)

    def _send(self, wire: bytes, client: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # as datagrams may get lost
            self._udp.sendto(wire, client)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._connections >= _CONNECTIONS:
            writer.transport.abort()
            return
        self._tasks.add(task)
        self._connections += 1
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                while wire := await _read_message(reader):
                    await self._answer_stream(wire, writer)
        finally:
            self._connections -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer_stream(self, wire: bytes, writer: asyncio.StreamWriter) -> None:
        query = answers.parse(wire)
        if query is None:
            raise EOFError
        if (known := self._known(query)) is not None:
            found: bytes | None = answers.encode(known, query, datagram=False)
        else:
            found = await self._pass_on(wire, socket.SOCK_STREAM)
        found = found or answers.encode(answers.failure(query), query, datagram=False)
        writer.write(len(found).to_bytes(2, "big") + found)
        async with asyncio.timeout(_IDLE):
            await writer.drain()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, wire: bytes, kind: int) -> bytes | None:
        """The answer of the first name server that has one (forwardExtDNS)."""
        for server in self.record.servers[:_SERVERS]:
            if server.host and not self.forward:
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = await self._ask(server, wire, kind)
            except (OSError, TimeoutError, EOFError, RunnerError) as err:
                log.debug("name server %s: %s: %s", server, type(err).__name__, err)
                continue
            if answers.is_usable(found, wire):
                return found
        return None

    async def _ask(self, server: NameServer, wire: bytes, kind: int) -> bytes:
        family = socket.AF_INET6 if ":" in server.address else socket.AF_INET

        def make() -> socket.socket:
            if not server.host:
                netns.enter(self._key)
            return socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

        with make() if server.host else await in_own_thread(make) as asking:
            await self._loop.sock_connect(asking, (server.address, _PORT))
            if kind == socket.SOCK_DGRAM:
                await self._loop.sock_sendall(asking, wire)
                return await self._loop.sock_recv(asking, _LARGEST)
            await self._loop.sock_sendall(asking, len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await _receive(asking, 2), "big")
            return await _receive(asking, length)


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(_IDLE):
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)


async def _receive(asking: socket.socket, length: int) -> bytes:
    loop, received = asyncio.get_running_loop(), b""
    while len(received) < length:
        chunk = await loop.sock_recv(asking, length - len(received))
        if not chunk:
            raise EOFError("the connection has ended")
        received += chunk
    return received
