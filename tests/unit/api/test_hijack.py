"""Attach over a real socket: upgrade, framing, half-close both ways, back-pressure, leaving."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from runner.api import streams
from runner.api.hijack import RawStream, frame
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from tests.unit.api.conftest import Api

ATTACH = (
    b"POST /v1.51/containers/web/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)

Behaviour = Callable[[RawStream], Awaitable[None]]


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Let attach behave like this; gives the list of what it was asked for."""

    def install(behaviour: Behaviour, *, tty: bool = False) -> list[Any]:
        asked: list[Any] = []

        class Attachment:
            def __init__(self) -> None:
                self.tty = tty

            async def run(self, client: RawStream) -> None:
                await behaviour(client)

        async def attach(_engine: Any, name: str, request: Any) -> Attachment:
            asked.append((name, request))
            return Attachment()

        monkeypatch.setattr(streams, "container_attach", attach)
        return asked

    return install


async def head(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readuntil(b"\r\n\r\n")


async def echo(client: RawStream) -> None:
    while data := await client.read():
        await client.write(1, data)
    await client.write(2, b"bye")


async def test_upgrade_frames_and_half_close(api: Api, attached: Any) -> None:
    asked = attached(echo)
    reader, writer = await api.raw(ATTACH)
    assert await head(reader) == (
        b"HTTP/1.1 101 UPGRADED\r\n"
        b"Content-Type: application/vnd.docker.multiplexed-stream\r\n"
        b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    name, request = asked[0]
    assert (name, request.stdin, request.stdout, request.stderr) == ("web", True, True, False)
    writer.write(b"hello")
    expected = frame(1, b"hello")
    assert await reader.readexactly(len(expected)) == expected
    writer.write_eof()
    async with asyncio.timeout(5):
        assert await reader.read() == b"\x02\0\0\0" + struct.pack(">L", 3) + b"bye"
    writer.close()


async def test_a_terminal_is_raw(api: Api, attached: Any) -> None:
    attached(echo, tty=True)
    reader, writer = await api.raw(ATTACH)
    assert b"application/vnd.docker.raw-stream" in await head(reader)
    writer.write(b"hello")
    writer.write_eof()
    assert await reader.read() == b"hellobye"
    writer.close()


@pytest.mark.parametrize(
    ("request_head", "answer"),
    [
        (
            ATTACH.replace(b"1.51", b"1.41"),
            b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n",
        ),
        (
            b"POST /containers/web/attach?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
        ),
    ],
)
async def test_older_ways_to_ask(
    api: Api, attached: Any, request_head: bytes, answer: bytes
) -> None:
    attached(echo)
    reader, writer = await api.raw(request_head)
    assert (await head(reader)).startswith(answer)
    writer.write_eof()
    assert await reader.read() == frame(2, b"bye")
    writer.close()


async def test_our_end_of_output_leaves_the_client_s_direction_open(
    api: Api, attached: Any
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def half_closing(client: RawStream) -> None:
        await client.close()
        while data := await client.read():
            heard.put_nowait(data)

    attached(half_closing)
    reader, writer = await api.raw(ATTACH)
    await head(reader)
    assert await reader.read() == b""
    writer.write(b"still here")
    async with asyncio.timeout(5):
        assert await heard.get() == b"still here"
    writer.close()


async def test_a_slow_reader_holds_the_writer_back_and_nobody_else(api: Api, attached: Any) -> None:
    written = 0

    async def flood(client: RawStream) -> None:
        nonlocal written
        for _ in range(1000):
            await client.write(1, b"x" * 32768)
            written += 32768

    attached(flood)
    slow, writer = await asyncio.open_unix_connection(str(api.path), limit=1024)
    writer.write(ATTACH)
    await asyncio.sleep(0.3)
    stalled = written
    assert stalled < 2 * 1024 * 1024
    assert (await api.ask("GET", "/_ping")).body == b"OK"
    assert written == stalled
    await head(slow)
    total = 0
    async with asyncio.timeout(20):
        while chunk := await slow.read(65536):
            total += len(chunk)
    assert total == 1000 * (32768 + 8)
    writer.close()


async def test_a_slow_container_holds_the_client_back(api: Api, attached: Any) -> None:
    go = asyncio.Event()
    got = 0

    async def sleepy(client: RawStream) -> None:
        nonlocal got
        await go.wait()
        while data := await client.read():
            got += len(data)

    attached(sleepy)
    reader, writer = await api.raw(ATTACH)
    await head(reader)
    payload = b"y" * (8 * 1024 * 1024)
    writer.write(payload)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await writer.drain()
    go.set()
    writer.write_eof()
    assert await reader.read() == b""
    assert got == len(payload)
    writer.close()


@pytest.mark.parametrize("half_close_first", [False, True])
async def test_a_client_that_is_gone_ends_the_attachment(
    api: Api, attached: Any, half_close_first: bool
) -> None:
    ended = asyncio.Event()

    async def silent(client: RawStream) -> None:
        try:
            await client.read()
            await asyncio.Event().wait()  # a container that says nothing
        finally:
            ended.set()

    attached(silent)
    reader, writer = await api.raw(ATTACH)
    await head(reader)
    if half_close_first:
        writer.write_eof()
        await asyncio.sleep(0.05)
        assert not ended.is_set()
    writer.close()
    async with asyncio.timeout(5):
        await ended.wait()


async def test_writing_to_a_client_that_is_gone(api: Api, attached: Any) -> None:
    failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def chatty(client: RawStream) -> None:
        try:
            while True:
                await client.write(1, b"x" * 1000)
                await asyncio.sleep(0.001)
        except BaseException as error:
            failed.set_result(error)
            raise

    attached(chatty)
    reader, writer = await api.raw(ATTACH)
    await head(reader)
    writer.transport.abort()
    async with asyncio.timeout(5):
        assert isinstance(await failed, ConnectionError | asyncio.CancelledError)


async def test_the_output_arrives_although_the_client_s_input_is_unread(
    api: Api, attached: Any
) -> None:
    async def quick(client: RawStream) -> None:
        await asyncio.sleep(0.05)
        await client.write(1, b"done")

    attached(quick)
    reader, writer = await api.raw(ATTACH + b"")
    await head(reader)
    writer.write(b"never read" * 1000)
    async with asyncio.timeout(5):
        assert await reader.read() == frame(1, b"done")
    writer.close()


async def test_refusals_are_plain_text_on_a_closed_connection(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise NotFound("No such container: web")

    monkeypatch.setattr(streams, "container_attach", refuse)
    reader, writer = await api.raw(ATTACH)
    async with asyncio.timeout(5):
        assert await reader.read() == (
            b"HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
            b"No such container: web\r\n"
        )
    writer.close()
