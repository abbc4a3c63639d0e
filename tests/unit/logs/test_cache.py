"""Dual logging: what is cached, how much of it, and what failures do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from runner.logs import Batch, Failures, LogDriver, LogInfo, create_driver
from runner.logs.cache import CachedDriver, uses_cache, with_local_cache
from runner.logs.none import NoneDriver
from runner.types.container import LogConfig
from runner.types.errors import NotImplementedYet, RunnerError
from tests.support.log_suite import lines, read

if TYPE_CHECKING:
    from pathlib import Path


class Broken(NoneDriver):
    """A server that takes nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def write(self, batch: Batch) -> None:
        self.asked += 1
        raise RunnerError("server gone")


def cached(tmp_path: Path, driver: LogDriver, **options: str) -> CachedDriver:
    config = {name.replace("_", "-"): value for name, value in options.items()}
    return with_local_cache(driver, config, str(tmp_path / "cache.log"), Failures("id"))


@pytest.mark.parametrize("mode", ["", "blocking", "non-blocking"])
async def test_what_the_driver_refuses_is_cached_all_the_same(tmp_path: Path, mode: str) -> None:
    broken = Broken()
    both = cached(tmp_path, broken, mode=mode)
    for line in (b"a\n", b"b\n"):
        with pytest.raises(RunnerError, match="server gone"):
            await both.write(Batch(line, "stdout", 1))
    await both.close()
    assert broken.asked == 2
    assert lines(await read(cached(tmp_path, broken))) == [b"a\n", b"b\n"]


async def test_a_cache_that_fails_does_not_keep_the_driver_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = []

    class Good(NoneDriver):
        async def write(self, batch: Batch) -> None:
            got.append(batch.data)

    both = cached(tmp_path, Good(), mode="blocking")

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("runner.logs.logfile._write_all", full)
    with pytest.raises(RunnerError, match="disk full"):
        await both.write(Batch(b"a\n", "stdout", 1))
    assert got == [b"a\n"]
    await both.close()


async def test_the_cache_s_own_sizes(tmp_path: Path) -> None:
    """dockerd takes these and does not look at them."""
    both = cached(
        tmp_path,
        NoneDriver(),
        cache_max_size="300",
        cache_max_file="3",
        cache_compress="false",
        mode="blocking",
    )
    for number in range(40):
        await both.write(Batch(b"%d\n" % number, "stdout", 1))
    await both.close()
    assert sorted(os.listdir(tmp_path)) == ["cache.log", "cache.log.1", "cache.log.2"]
    assert all((tmp_path / name).stat().st_size < 340 for name in os.listdir(tmp_path))


@pytest.mark.parametrize("files", ["0", "1"])
async def test_a_single_cache_file_is_not_compressed(tmp_path: Path, files: str) -> None:
    both = cached(tmp_path, NoneDriver(), cache_max_size="1", cache_max_file=files, mode="blocking")
    for line in (b"a\n", b"b\n"):
        await both.write(Batch(line, "stdout", 1))
    assert lines(await read(both)) == [b"b\n"]
    await both.close()


@pytest.mark.parametrize(
    ("value", "used"), [("", True), ("false", True), ("0", True), ("true", False), ("t", False)]
)
def test_disabled(value: str, used: bool) -> None:
    assert uses_cache({"cache-disabled": value}) is used
    assert uses_cache({})


async def test_without_a_cache_nothing_can_be_read(tmp_path: Path) -> None:
    options = {"syslog-address": "udp://127.0.0.1:9", "cache-disabled": "true"}
    driver = await create_driver(
        LogConfig(type="syslog", config=options), LogInfo("0" * 64, "/x", "", str(tmp_path / "c"))
    )
    assert not driver.readable
    with pytest.raises(NotImplementedYet, match="does not support reading"):
        await read(driver)
    await driver.close()
    assert os.listdir(tmp_path) == []


async def test_a_bad_size_shows_at_start(tmp_path: Path) -> None:
    options = {"syslog-address": "udp://127.0.0.1:9", "cache-max-size": "x"}
    with pytest.raises(RunnerError) as caught:
        await create_driver(
            LogConfig(type="syslog", config=options),
            LogInfo("0" * 64, "/x", "", str(tmp_path / "c")),
        )
    assert str(caught.value) == (
        "error setting up local container log cache: error initializing local log cache driver: "
        "invalid value for max-size: x: invalid size: 'x'"
    )
