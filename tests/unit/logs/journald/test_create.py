"""A journald container on hosts with and without journald and journalctl."""

from __future__ import annotations

import functools
import os
import socket
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LogDriver, LogInfo, create_driver
from runner.logs.journald import driver as journald
from runner.logs.journald.native import Journal
from runner.types.container import LogConfig
from runner.types.errors import RunnerError
from tests.support.log_suite import lines, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the host's journald would have its socket."""
    made = tmp_path / "socket"
    monkeypatch.setattr(journald, "Journal", functools.partial(Journal, made))
    return made


@pytest.fixture
def entries(path: Path) -> Iterator[socket.socket]:
    """A journald."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(path))
        yield bound


async def make(tmp_path: Path, *, resume: bool = False, **options: str) -> LogDriver:
    info = LogInfo(
        container_id="0123456789abcdef" * 4,
        name="/web",
        log_path="",
        cache_path=str(tmp_path / "cache.log"),
        image_name="demo",
        env=("A=1",),
        labels={"com.example.x-y": "z"},
    )
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return await create_driver(LogConfig(type="journald", config=config), info, resume=resume)


async def test_the_fields_of_every_entry(tmp_path: Path, entries: socket.socket) -> None:
    driver = await make(tmp_path, tag="{{.Name}}/{{.ID}}", labels="com.example.x-y", env="A")
    await driver.write(Batch(b"hi\n", "stderr", 0))
    await driver.close()
    fields = dict(line.split("=", 1) for line in entries.recv(9999).decode().splitlines())
    epoch = fields.pop("CONTAINER_LOG_EPOCH")
    assert len(epoch) == 64
    assert fields == {
        "MESSAGE": "hi",
        "PRIORITY": "3",
        "SYSLOG_TIMESTAMP": "1970-01-01T00:00:00Z",
        "SYSLOG_IDENTIFIER": "web/0123456789ab",
        "CONTAINER_TAG": "web/0123456789ab",
        "CONTAINER_ID": "0123456789ab",
        "CONTAINER_ID_FULL": "0123456789abcdef" * 4,
        "CONTAINER_NAME": "web",
        "IMAGE_NAME": "demo",
        "CONTAINER_LOG_ORDINAL": "1",
        "COM_EXAMPLE_X_Y": "z",
        "A": "1",
    }


@pytest.mark.usefixtures("entries")
async def test_without_journalctl_there_is_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    driver = await make(tmp_path, mode="blocking")
    await driver.write(Batch(b"hi\n", "stdout", 0))
    assert lines(await read(driver)) == [b"hi\n"]
    await driver.close()
    assert "cache.log" in os.listdir(tmp_path)


@pytest.mark.usefixtures("path")
async def test_without_journald_no_container_starts(tmp_path: Path) -> None:
    for options in ({}, {"tag": "{{.Nope}}"}):
        with pytest.raises(RunnerError) as caught:
            await make(tmp_path, **options)
        assert str(caught.value) == "journald is not enabled on this host"


@pytest.mark.usefixtures("path")
async def test_a_container_that_runs_waits_for_journald(tmp_path: Path) -> None:
    driver = await make(tmp_path, resume=True)
    with pytest.raises(RunnerError, match="write to the journal: no such file or directory"):
        await driver.write(Batch(b"lost\n", "stdout", 0))
    await driver.close()
    with pytest.raises(RunnerError, match="the log is closed"):
        await driver.write(Batch(b"late\n", "stdout", 0))


@pytest.mark.usefixtures("entries")
async def test_a_bad_tag(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="can't evaluate field Nope"):
        await make(tmp_path, tag="{{.Nope}}")
