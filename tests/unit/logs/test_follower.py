"""Following across rotations: nothing is lost, and what is kept for a reader has a limit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.logs import Batch, LogDriver, LogInfo, Message, ReadConfig, create_driver, follower
from runner.types.container import LogConfig
from runner.types.errors import RunnerError
from tests.support.log_suite import Follower, lines, read

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KINDS = [("json-file", "2000"), ("local", "1000")]


async def make(tmp_path: Path, kind: str = "json-file", **options: str) -> LogDriver:
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return await create_driver(
        LogConfig(type=kind, config=config), LogInfo("id", "/x", str(tmp_path / "log"))
    )


async def write_all(driver: LogDriver, said: list[bytes]) -> None:
    """In batches of many lines, and now and then the readers' turn."""
    rest = list(said)
    random.seed(1)
    while rest:
        count = random.randint(1, 60)
        await driver.write(Batch(b"".join(rest[:count]), "stdout", 1))
        del rest[:count]
        if random.random() < 0.1:
            await asyncio.sleep(0.001)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("kind", "size"), KINDS)
@pytest.mark.parametrize("files", ["1", "2", "3"])
async def test_nothing_is_lost_however_fast_files_are_rotated(
    tmp_path: Path, kind: str, size: str, files: str
) -> None:
    before = descriptors()
    compress = "true" if files != "1" else "false"
    driver = await make(tmp_path, kind, max_size=size, max_file=files, compress=compress)
    followers = [Follower(driver) for _ in range(3)]
    await asyncio.sleep(0)
    said = [b"line %d\n" % number for number in range(3000)]
    await write_all(driver, said)
    await driver.close()
    for each in followers:
        assert await each.ended() == said
    assert descriptors() == before


async def test_a_reader_that_sleeps_through_rotations_finds_all(tmp_path: Path) -> None:
    driver = await make(tmp_path, max_size="1000", max_file="2")
    await driver.write(Batch(b"0\n", "stdout", 1))
    blocks = driver.read(ReadConfig(follow=True))
    got = await anext(blocks)
    said = [b"%d\n" % number for number in range(1, 1000)]
    await write_all(driver, said)
    await driver.close()
    assert lines(got) + await rest_of(blocks) == [b"0\n", *said]


async def rest_of(blocks: AsyncGenerator[list[Message], None]) -> list[bytes]:
    async with contextlib.aclosing(blocks):
        return [message.line async for block in blocks for message in block]


async def test_what_is_kept_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that does not read must not fill the disk: the oldest it has not read goes."""
    monkeypatch.setattr(follower, "MAX_FILES", 4)
    before = descriptors()
    driver = await make(tmp_path, max_size="1", max_file="2")  # each record fills a file
    await driver.write(Batch(b"0\n", "stdout", 1))
    blocks = driver.read(ReadConfig(follow=True))
    got = await anext(blocks)
    await write_all(driver, [b"%d\n" % number for number in range(1, 100)])
    assert descriptors() < before + 12
    await driver.close()
    kept = lines(got) + await rest_of(blocks)
    assert kept[0] == b"0\n"
    assert kept[-3:] == [b"97\n", b"98\n", b"99\n"]
    assert len(kept) < 10
    assert "some log messages have been skipped over" in caplog.text
    assert descriptors() == before


async def test_a_limit_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "MAX_BYTES", 3000)
    driver = await make(tmp_path, max_size="1000", max_file="2")
    blocks = driver.read(ReadConfig(follow=True))
    first = asyncio.ensure_future(anext(blocks))
    await asyncio.sleep(0)
    await driver.write(Batch(b"0\n", "stdout", 1))
    got = await first
    said = [b"%d\n" % number for number in range(1, 1000)]
    await write_all(driver, said)
    await driver.close()
    kept = lines(got) + await rest_of(blocks)
    assert kept[0] == b"0\n"
    assert kept[-1] == said[-1]
    assert 20 < len(kept) < 100


async def test_no_descriptor_for_a_follower_ends_it_not_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = await make(tmp_path, max_size="100", max_file="9")
    following = Follower(driver)
    await asyncio.sleep(0)
    await driver.write(Batch(b"0\n", "stdout", 1))
    await following.has(1)

    def no_more(_fd: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patched:
        patched.setattr("runner.logs.follower.os.dup", no_more)
        await driver.write(Batch(b"1\n2\n3\n4\n", "stdout", 1))
    with pytest.raises(RunnerError, match="across a rotation"):
        await following.ended()
    assert lines(following.got)[:2] == [b"0\n", b"1\n"]
    assert lines(await read(driver)) == [b"%d\n" % number for number in range(5)]
    await driver.close()
