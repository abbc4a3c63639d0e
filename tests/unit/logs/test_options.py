"""Log options, texts as dockerd 28.5 says them."""

from __future__ import annotations

import asyncio

import pytest

from runner.logs import (
    Batch,
    Failures,
    LogInfo,
    Message,
    ReadConfig,
    create_driver,
    merge_and_verify_log_config,
    validate_log_opts,
)
from runner.logs.none import NoneDriver
from runner.logs.ring import RingDriver
from runner.types.container import LogConfig
from runner.types.errors import InvalidParameter, NotImplementedYet


def config(driver: str = "json-file", **options: str) -> LogConfig:
    return LogConfig(
        type=driver, config={name.replace("_", "-"): value for name, value in options.items()}
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (config(foo="bar"), "unknown log opt 'foo' for json-file log driver"),
        (config(mode="x"), "logger: logging mode not supported: x"),
        (
            config(max_buffer_size="4k"),
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        (
            config(mode="non-blocking", max_buffer_size="zz"),
            "error parsing option max-buffer-size: invalid size: 'zz'",
        ),
        (config(cache_disabled="xx"), "invalid value for option cache-disabled: xx"),
        (config("bogus"), 'error looking up logging plugin bogus: plugin "bogus" not found'),
    ],
)
def test_refused(wrong: LogConfig, text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        validate_log_opts(wrong)
    assert str(caught.value) == text


def test_dockerd_s_other_drivers_are_not_ignored() -> None:
    with pytest.raises(NotImplementedYet, match="log driver 'gelf' is not supported"):
        validate_log_opts(config("gelf"))


@pytest.mark.parametrize(
    "right",
    [
        config(max_size="x", max_file="0"),  # looked at when the container starts
        config(mode="non-blocking", max_buffer_size="1m"),
        config(cache_disabled="true", cache_max_size="1m"),
        config("none", anything="goes"),
    ],
)
def test_accepted(right: LogConfig) -> None:
    validate_log_opts(right)


def test_the_default_completes_only_its_own_driver() -> None:
    default = config(max_size="1m")
    assert merge_and_verify_log_config(config(""), default) == default
    merged = merge_and_verify_log_config(config(max_file="2"), default)
    assert merged.config == {"max-size": "1m", "max-file": "2"}
    assert merge_and_verify_log_config(config("none"), default).config == {}


async def test_none_keeps_nothing_and_says_so() -> None:
    driver = await create_driver(config("none"), LogInfo("id", "/x", ""))
    await driver.write(Batch(b"x\n", "stdout", 0))
    with pytest.raises(NotImplementedYet, match="logging driver does not support reading"):
        driver.read(ReadConfig())
    await driver.close()


class Slow(NoneDriver):
    """Takes a record only when told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.got: list[Message] = []

    async def write(self, batch: Batch) -> None:
        await self.gate.wait()
        self.got += batch.messages()


async def test_the_ring_drops_what_does_not_fit_and_never_waits() -> None:
    slow = Slow()
    ring = RingDriver(slow, 6, Failures("id"))
    await ring.write(Batch(b"first, larger than all\n", "stdout", 0))
    await asyncio.sleep(0)  # on its way to the driver, no longer in the buffer
    await ring.write(Batch(b"aa\nbbbbbbb\ncc\ndd\n", "stdout", 0))
    slow.gate.set()
    await ring.close()
    assert [message.line for message in slow.got] == [
        b"first, larger than all\n",
        b"aa\n",
        b"cc\n",
    ]
