"""The driver on real sockets of each kind: what arrives, and what happens when the server goes."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LineSplitter, LogDriver, LogInfo, create_driver
from runner.logs.syslog import connection
from runner.logs.syslog.options import Address
from runner.types.container import LogConfig
from runner.types.errors import RunnerError
from tests.support.certificates import make_certificates
from tests.support.syslog_server import SyslogServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ID = "0123456789abcdef" * 4
KINDS = ["tcp", "tcp+tls", "udp", "unix", "unixgram"]
STREAMS = ["tcp", "tcp+tls", "unix"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, certificates: Path
) -> AsyncIterator[SyslogServer]:
    """A server of the kind that the test is parametrized with."""
    context = None
    if request.param == "tcp+tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    made = await SyslogServer(request.param, tmp_path, context).start()
    yield made
    await made.stop()


def any_of(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("server", kinds, indirect=True)


async def make(
    server: SyslogServer, certificates: Path, *, resume: bool = False, **options: str
) -> LogDriver:
    config = {
        "syslog-address": server.address,
        "cache-disabled": "true",
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    if server.kind == "tcp+tls":
        config.setdefault("syslog-tls-ca-cert", str(certificates / "ca.pem"))
    info = LogInfo(ID, "/web", "", image_name="demo")
    driver = await create_driver(LogConfig(type="syslog", config=config), info, resume=resume)
    await server.is_connected()
    return driver


async def say(driver: LogDriver, *lines: str) -> None:
    await driver.write(Batch("".join(lines).encode(), "stdout", 0))


def texts(messages: list[bytes]) -> list[str]:
    """What the lines said, the envelope taken off."""
    return [re.sub(r"^<\d+>.*?\[\d+\]: ", "", message.decode()) for message in messages]


@any_of(*KINDS)
async def test_lines_arrive(server: SyslogServer, certificates: Path) -> None:
    driver = await make(server, certificates, tag="{{.Name}}/{{.ID}}", syslog_facility="local1")
    await driver.write(Batch(b"out\n\nmore\n", "stdout", 0))
    await driver.write(Batch(b"err\n", "stderr", 0))
    messages = await server.has(3)
    await driver.close()
    await driver.close()
    assert texts(messages) == ["out", "more", "err"]  # the empty line is nothing to syslog
    tag = rf"web/{ID[:12]}\[{os.getpid()}\]"
    assert re.match(rf"<142>.{{15}} {tag}: out".encode(), messages[0])
    assert messages[2].startswith(b"<139>")


@any_of("tcp", "unixgram")
async def test_parts_of_a_long_line_are_messages(server: SyslogServer, certificates: Path) -> None:
    driver = await make(server, certificates)
    splitter = LineSplitter("stdout")
    for batch in splitter.feed(b"x" * 40_000 + b"\n"):
        await driver.write(batch)
    messages = await server.has(3)
    assert [len(text) for text in texts(messages)] == [16384, 16384, 7232]
    await driver.close()


@any_of("tcp", "tcp+tls")
async def test_only_rfc5424_over_tls_is_framed(server: SyslogServer, certificates: Path) -> None:
    driver = await make(server, certificates, syslog_format="rfc5424")
    await say(driver, "hi\n")
    await server.has(1)
    await driver.close()
    host = re.escape(socket.gethostname())
    tag = ID[:12]
    message = rf"<30>1 \S+ {host} {tag} {os.getpid()} {tag} - hi\n"
    if server.kind == "tcp":
        assert re.fullmatch(message, server.raw.decode())
    else:
        length, _, rest = server.raw.decode().partition(" ")
        assert re.fullmatch(message, rest)
        assert int(length) == len(rest)


@any_of(*KINDS)
async def test_a_server_that_was_started_anew_is_found_again(
    server: SyslogServer, certificates: Path
) -> None:
    driver = await make(server, certificates)
    await say(driver, "before\n")
    await server.has(1)
    await server.stop()
    await asyncio.sleep(0.05)
    await server.start()
    await say(driver, "after\n", "later\n")
    await server.has(3)
    await driver.close()
    assert texts(server.messages) == ["before", "after", "later"]


@any_of(*STREAMS, "unixgram")
async def test_a_server_that_is_gone_is_an_error_until_it_is_back(
    server: SyslogServer, certificates: Path
) -> None:
    driver = await make(server, certificates)
    await server.stop()
    await asyncio.sleep(0.05)
    for _ in range(3):
        with pytest.raises(RunnerError, match=r"^dial .*: connect: "):
            await say(driver, "lost\n", "lost\n")
    await server.start()
    await say(driver, "found\n")
    await server.has(1)
    await driver.close()
    assert texts(server.messages) == ["found"]


@any_of(*STREAMS)
async def test_a_dropped_connection_is_made_anew(server: SyslogServer, certificates: Path) -> None:
    driver = await make(server, certificates)
    for number in range(4):
        await say(driver, f"{number}\n")
        await server.has(number + 1)
        await server.drop()
        await asyncio.sleep(0.05)
    await driver.close()
    assert texts(server.messages) == ["0", "1", "2", "3"]
    assert server.connections == 4


@any_of("tcp", "tcp+tls", "unix")
async def test_a_server_that_does_not_read_is_waited_for(
    server: SyslogServer, certificates: Path
) -> None:
    server.reads = False
    driver = await make(server, certificates)
    line = "x" * 16_000 + "\n"

    async def flood() -> None:
        while True:
            await say(driver, line * 10)

    flooding = asyncio.create_task(flood())
    done, _ = await asyncio.wait({flooding}, timeout=0.5)
    assert not done
    flooding.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({flooding})
        await driver.close()


@any_of("tcp", "udp", "unixgram")
async def test_both_streams_at_once(server: SyslogServer, certificates: Path) -> None:
    driver = await make(server, certificates)
    batches = [
        [Batch(b"%s %d\n" % (stream.encode(), number), stream, 0) for number in range(100)]
        for stream in ("stdout", "stderr")
    ]  # type: ignore[misc]

    async def write(some: list[Batch]) -> None:
        for batch in some:
            await driver.write(batch)

    await asyncio.gather(*map(write, batches))
    await server.has(200)
    await driver.close()
    for stream in ("stdout", "stderr"):
        mine = [text for text in texts(server.messages) if text.startswith(stream)]
        assert mine == [f"{stream} {number}" for number in range(100)]


@any_of("tcp", "unix", "unixgram")
async def test_a_container_that_runs_takes_a_server_that_is_not_there(
    server: SyslogServer, certificates: Path
) -> None:
    await server.stop()
    with pytest.raises(RunnerError, match=r"connection refused$|^stat .*: no such file"):
        await make(server, certificates)
    driver = await make(server, certificates, resume=True)
    with pytest.raises(RunnerError, match=r"connection refused$|no such file or directory$"):
        await say(driver, "lost\n")
    await server.start()
    await say(driver, "found\n")
    await server.has(1)
    await driver.close()


@any_of("tcp+tls")
async def test_a_server_that_cannot_be_trusted(server: SyslogServer, certificates: Path) -> None:
    with pytest.raises(RunnerError) as caught:
        await make(server, certificates, syslog_tls_ca_cert="")
    assert str(caught.value) == (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )
    driver = await make(server, certificates, syslog_tls_ca_cert="", syslog_tls_skip_verify="1")
    await say(driver, "hi\n")
    await server.has(1)
    await driver.close()


async def test_a_client_certificate_is_shown(tmp_path: Path, certificates: Path) -> None:
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem")
    )
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    server = await SyslogServer("tcp+tls", tmp_path, context).start()
    driver = await make(
        server,
        certificates,
        syslog_tls_cert=str(certificates / "cert.pem"),
        syslog_tls_key=str(certificates / "key.pem"),
    )
    await say(driver, "hi\n")
    await server.has(1)
    await driver.close()
    await server.stop()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("tcp://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
        ("tcp+tls://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
        ("tcp://[::1]:1", "dial tcp [::1]:1: connect: connection refused"),
        ("tcp://:1", "dial tcp :1: connect: connection refused"),
        ("tcp://127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
        ("udp://127.0.0.1:99999", "dial udp: address 99999: invalid port"),
        ("tcp://[::1]", "dial tcp: address [[::1]]:514: missing port in address"),
        ("unixgram:///etc/passwd", "dial unixgram /etc/passwd: connect: connection refused"),
        ("unix:///etc/passwd", "dial unix /etc/passwd: connect: connection refused"),
    ],
)
async def test_dockerd_s_words_when_there_is_no_server(address: str, text: str) -> None:
    config = LogConfig(type="syslog", config={"syslog-address": address})
    with pytest.raises(RunnerError) as caught:
        await create_driver(config, LogInfo(ID, "/web", ""))
    assert str(caught.value) == text


@pytest.mark.parametrize("kind", ["unix", "unixgram"])
async def test_the_host_s_own_syslog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Where there is none, and wherever it listens."""
    places = [
        Address(network, str(tmp_path / name))
        for network in ("unixgram", "unix")
        for name in ("nosuch", "log.sock")
    ]
    monkeypatch.setattr(connection, "_LOCAL", places)
    config = LogConfig(type="syslog", config={"cache-disabled": "true"})
    with pytest.raises(RunnerError, match=r"^Unix syslog delivery error$"):
        await create_driver(config, LogInfo(ID, "/web", ""))
    server = await SyslogServer(kind, tmp_path).start()
    driver = await create_driver(config, LogInfo(ID, "/web", ""))
    await say(driver, "hi\n")
    await server.has(1)
    await driver.close()
    await server.stop()
