"""The proxies for published ports: clients come and go, and there are never too many."""

import asyncio
import socket

import pytest

from runner.network import proxy


@pytest.fixture
async def held():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("::1", 0))
        yield server


async def test_the_longest_silent_client_is_given_up(
    held: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "_MOST_CLIENTS", 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as container:
        container.bind(("127.0.0.1", 0))
        container.settimeout(5)
        forwarding = proxy.UDPProxy(held, container.getsockname())
        await forwarding.start(held)
        clients = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(6)]
        for number, client in enumerate(clients):
            client.sendto(b"%d" % number, held.getsockname())
            data, _ = await asyncio.to_thread(container.recvfrom, 100)
            assert data == b"%d" % number
            assert len(forwarding._clients) <= 3
        last = {client.getsockname()[1] for client in clients[3:]}
        assert {address[1] for address in forwarding._clients} == last
        await forwarding.close()
        for client in clients:
            client.close()


async def test_there_are_never_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_MOST_CLIENTS", 2)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    container = await asyncio.start_server(echo, "127.0.0.1", 0)
    held = socket.create_server(("127.0.0.1", 0))
    forwarding = proxy.TCPProxy(container.sockets[0].getsockname())
    await forwarding.start(held)

    async def ask() -> tuple[bytes, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*held.getsockname())
        try:
            writer.write(b"hello")
            return await reader.read(100), writer
        except ConnectionResetError:
            return b"", writer

    answers = [await ask() for _ in range(3)]
    assert [answer for answer, _ in answers] == [b"hello", b"hello", b""]
    for _, writer in answers:
        writer.close()
    while forwarding._connections:
        await asyncio.sleep(0.01)
    answer, writer = await ask()
    assert answer == b"hello"
    writer.close()
    await forwarding.close()
    container.close()
