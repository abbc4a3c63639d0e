"""The syslog driver on a real rsyslogd: does it understand us?"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LogDriver, LogInfo, create_driver
from runner.types.container import LogConfig
from runner.types.errors import RunnerError
from tests.support.certificates import make_certificates
from tests.support.rsyslog import Rsyslog, Understood

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.root

KINDS = ["udp", "tcp", "tcp+tls", "unixgram"]
HOST = socket.gethostname()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def session_rsyslog(certificates: Path) -> Iterator[Rsyslog]:
    with Rsyslog(certificates) as started:
        yield started


@pytest.fixture
def rsyslog(session_rsyslog: Rsyslog) -> Rsyslog:
    session_rsyslog.forget()
    return session_rsyslog


async def make(rsyslog: Rsyslog, certificates: Path, kind: str, **options: str) -> LogDriver:
    config = {
        "syslog-address": rsyslog.address(kind),
        "syslog-tls-ca-cert": str(certificates / "ca.pem"),
        "cache-disabled": "true",
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    return await create_driver(
        LogConfig(type="syslog", config=config), LogInfo("0123456789ab" * 6, "/web", "")
    )


@pytest.mark.parametrize("format_", ["rfc3164", "rfc5424", "rfc5424micro"])
@pytest.mark.parametrize("kind", KINDS)
async def test_messages_are_understood(
    rsyslog: Rsyslog, certificates: Path, kind: str, format_: str
) -> None:
    driver = await make(
        rsyslog,
        certificates,
        kind,
        syslog_format=format_,
        tag="{{.Name}}",
        syslog_facility="local3",
    )
    await driver.write(Batch(b"out\n", "stdout", 0))
    await driver.write(Batch("err é <x>\n".encode(), "stderr", 0))
    first, second = sorted(rsyslog.has(2), key=lambda message: message.text, reverse=True)
    await driver.close()
    tag = f"web[{os.getpid()}]" + (":" if format_ == "rfc3164" else "")
    text = " {}" if format_ == "rfc3164" else "{}"
    assert first == Understood("local3", "info", HOST, "web", tag, text.format("out"))
    assert second == Understood("local3", "err", HOST, "web", tag, text.format("err é <x>"))


@pytest.mark.parametrize("kind", ["udp", "tcp", "tcp+tls", "local"])
async def test_the_default_format(rsyslog: Rsyslog, certificates: Path, kind: str) -> None:
    driver = await make(rsyslog, certificates, kind, tag="web")
    await driver.write(Batch(b"one\n\ntwo\n", "stdout", 0))
    messages = rsyslog.has(2)
    await driver.close()
    assert [message.text.strip() for message in messages] == ["one", "two"]
    assert {(message.facility, message.severity) for message in messages} == {("daemon", "info")}
    assert {message.program for message in messages} == {"web"}


@pytest.mark.parametrize("kind", ["tcp", "tcp+tls", "local"])
async def test_a_restart_is_survived(rsyslog: Rsyslog, certificates: Path, kind: str) -> None:
    driver = await make(rsyslog, certificates, kind)
    await driver.write(Batch(b"before\n", "stdout", 0))
    rsyslog.has(1)
    rsyslog.stop()
    try:
        await asyncio.sleep(0.1)  # for the end of the connection to be seen
        with pytest.raises(RunnerError, match=r"connect: "):
            await driver.write(Batch(b"lost\n", "stdout", 0))
    finally:
        rsyslog.start()
    await driver.write(Batch(b"after\n", "stdout", 0))
    messages = rsyslog.has(2)
    await driver.close()
    assert [message.text.strip() for message in messages] == ["before", "after"]
