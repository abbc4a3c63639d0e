"""TLS whose directions end one at a time, with our own client."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from runner.api.tcp import TLSFiles
from runner.api.tlsfront import serving_tls
from runner.client.address import parse_host
from runner.client.tls import TLSFiles as ClientFiles
from runner.client.transport import Connection, connect
from tests.support.certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates need openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls"))


class Doubling(asyncio.Protocol):
    """Says everything twice, and that all was said after the client's end."""

    made: asyncio.Event
    lost: asyncio.Event
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.made.set()

    def data_received(self, data: bytes) -> None:
        self.transport.write(data * 2)

    def eof_received(self) -> None:
        self.transport.write(b".")  # and asyncio closes when it has gone out

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@contextlib.asynccontextmanager
async def served(files: Path) -> AsyncIterator[int]:
    Doubling.made, Doubling.lost = asyncio.Event(), asyncio.Event()
    tls = TLSFiles(files / "cert.pem", files / "key.pem", files / "ca.pem").context()
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving_tls(Doubling, listening, tls):
        yield listening.getsockname()[1]


def connected(port: int, files: Path) -> Connection:
    names = (str(files / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return connect(parse_host(f"tcp://127.0.0.1:{port}", tls=True), ClientFiles(*names))


async def test_the_clients_end_is_not_the_servers(files: Path) -> None:
    data = bytes(range(256)) * 400

    def speak(port: int) -> bytes:
        connection = connected(port, files)
        connection.send(data)
        connection.close_write()
        connection.sock.setblocking(True)
        heard = b""
        while piece := connection.receive():
            heard += piece
        connection.close()
        return heard

    async with served(files) as port:
        heard = await asyncio.to_thread(speak, port)
        assert len(heard) == 2 * len(data) + 1
        assert heard.endswith(b".")
        await asyncio.wait_for(Doubling.lost.wait(), 10)


async def test_a_client_that_is_gone_is_missed(files: Path) -> None:
    """As a killed one is: its kernel closes the connection, nobody says so in TLS."""
    async with served(files) as port:
        connection = await asyncio.to_thread(connected, port, files)
        connection.close()
        await asyncio.wait_for(Doubling.lost.wait(), 10)


async def test_who_does_not_speak_tls_is_not_heard(
    files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with served(files) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert b"HTTP" not in await reader.read()
        writer.close()
    assert "TLS connection from" in caplog.text


async def test_who_shakes_no_hands_is_sent_away(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.api.tlsfront._HANDSHAKE_SECONDS", 0.2)
    async with served(files) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_the_end_of_all(files: Path) -> None:
    """With connections that are open."""
    async with served(files) as port:
        connection = await asyncio.to_thread(connected, port, files)
        await asyncio.wait_for(Doubling.made.wait(), 10)
    await asyncio.wait_for(Doubling.lost.wait(), 10)
    connection.close()
