"""The journald driver on a real systemd-journald, read by a real journalctl."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LineSplitter, LogDriver
from runner.logs.journald.driver import JournaldDriver
from runner.logs.journald.native import Journal
from runner.types.errors import RunnerError
from tests.support.journald import Journald
from tests.support.log_suite import CHECKS, Follower, Log, lines, name_of, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def journald() -> Iterator[Journald]:
    with Journald() as started:
        yield started


@pytest.fixture
async def log(journald: Journald, request: pytest.FixtureRequest) -> AsyncIterator[Log]:
    async def opener() -> LogDriver:
        return driver(journald, request.node.name)

    opened = Log(opener)
    yield opened
    await opened.close()


def driver(journald: Journald, name: str, **fields: str) -> JournaldDriver:
    """A driver of a container that is named after the test."""
    constant = {"CONTAINER_ID_FULL": name, "CONTAINER_NAME": "web", **fields}
    return JournaldDriver(Journal(journald.socket), name, constant, journald.journalctl)


def entries(journald: Journald, name: str) -> list[dict[str, str]]:
    """What journalctl shows a user, without the fields that journald adds."""
    command = [*journald.journalctl, "--output=json", f"CONTAINER_ID_FULL={name}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [
        {key: value for key, value in json.loads(line).items() if not key.startswith("_")}
        for line in done.stdout.splitlines()
    ]


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_a_log_that_can_be_read(check: Callable[[Log], Awaitable[None]], log: Log) -> None:
    await check(log)


async def test_fields_are_docker_s(journald: Journald) -> None:
    log = Log(lambda: opened(driver(journald, "fields", LABEL="x\ny", IMAGE_NAME="demo")))
    written = await log.open()
    await written.write(Batch(b"out\n", "stdout", 1_700_000_000_123_456_789))
    await written.write(Batch(b"err\n", "stderr", 1_700_000_001_000_000_000))
    messages = await log.has(written, 2)
    await log.close()
    first, second = entries(journald, "fields")
    epoch = first["CONTAINER_LOG_EPOCH"]
    assert len(epoch) == 64
    assert first == {
        "MESSAGE": "out",
        "PRIORITY": "6",
        "CONTAINER_ID_FULL": "fields",
        "CONTAINER_NAME": "web",
        "IMAGE_NAME": "demo",
        "LABEL": "x\ny",
        "SYSLOG_TIMESTAMP": "2023-11-14T22:13:20.123456789Z",
        "CONTAINER_LOG_EPOCH": epoch,
        "CONTAINER_LOG_ORDINAL": "1",
    }
    assert (second["PRIORITY"], second["CONTAINER_LOG_ORDINAL"]) == ("3", "2")
    assert second["CONTAINER_LOG_EPOCH"] == epoch
    assert messages[0].attrs == {"LABEL": "x\ny"}


async def opened(made: LogDriver) -> LogDriver:
    return made


async def test_parts_say_where_they_belong(journald: Journald) -> None:
    log = Log(lambda: opened(driver(journald, "parts")))
    written = await log.open()
    for batch in LineSplitter("stdout").feed(b"x" * 20_000 + b"\n"):
        await written.write(batch)
    await log.has(written, 2)
    await log.close()
    first, second = entries(journald, "parts")
    assert first["CONTAINER_PARTIAL_ID"] == second["CONTAINER_PARTIAL_ID"]
    assert (first["CONTAINER_PARTIAL_ORDINAL"], second["CONTAINER_PARTIAL_ORDINAL"]) == ("1", "2")
    assert (first["CONTAINER_PARTIAL_LAST"], second["CONTAINER_PARTIAL_LAST"]) == ("false", "true")
    assert first["CONTAINER_PARTIAL_MESSAGE"] == "true"
    assert "CONTAINER_PARTIAL_MESSAGE" not in second


async def test_an_entry_too_large_for_a_datagram(journald: Journald) -> None:
    log = Log(lambda: opened(driver(journald, "large", LABEL="x" * 500_000)))
    written = await log.open()
    await written.write(Batch(b"hi\n", "stdout", 1))
    (message,) = await log.has(written, 1)
    assert (message.line, len(message.attrs["LABEL"])) == (b"hi\n", 500_000)
    await log.close()


async def test_a_journald_that_is_started_anew(journald: Journald) -> None:
    log = Log(lambda: opened(driver(journald, "anew")))
    written = await log.open()
    await written.write(Batch(b"before\n", "stdout", 1))
    await log.has(written, 1)
    journald.daemon.stop()
    journald.socket.unlink(missing_ok=True)
    with pytest.raises(RunnerError, match="write to the journal: no such file or directory"):
        await written.write(Batch(b"lost\n", "stdout", 1))
    journald.start()
    await written.write(Batch(b"after\n", "stdout", 1))
    assert lines(await log.has(written, 2)) == [b"before\n", b"after\n"]
    await log.close()


async def test_a_follower_does_not_wait_long_for_what_was_lost(
    journald: Journald, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.logs.journald.reader._DRAIN_TIMEOUT", 0.2)
    log = Log(lambda: opened(driver(journald, "dropped")))
    written = await log.open()
    await written.write(Batch(b"a\n", "stdout", 1))
    follower = Follower(written)
    await follower.has(1)
    assert isinstance(written, JournaldDriver)
    written.ordinal += 1  # one that journald has dropped
    await written.close()
    assert await follower.ended() == [b"a\n"]
    await log.close()


async def test_a_journal_that_cannot_be_read(journald: Journald) -> None:
    broken = JournaldDriver(
        Journal(journald.socket), "x", {}, [journald.journalctl[0], "--nonsense"]
    )
    with pytest.raises(RunnerError, match=r"cannot read the journal: .*nonsense"):
        await read(broken)
    missing = JournaldDriver(Journal(journald.socket), "x", {}, ["/nosuch"])
    with pytest.raises(RunnerError, match=r"cannot read the journal: .*No such file"):
        await read(missing)
