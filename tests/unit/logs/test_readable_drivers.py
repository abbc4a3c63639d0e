"""The conformance suite on every driver that keeps a file."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runner.logs import LogDriver, LogInfo, create_driver
from runner.types.container import LogConfig
from tests.support.log_suite import CHECKS, Log, name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

DRIVERS = {
    "json-file": {},
    "json-file non-blocking": {"mode": "non-blocking"},
    "json-file rotated": {"max-size": "700", "max-file": "100", "compress": "true"},
    "local": {},
    "local rotated": {"max-size": "300", "max-file": "100"},
    "syslog": {},
    "syslog blocking": {"mode": "blocking"},
    "syslog non-blocking": {"mode": "non-blocking"},
    "syslog with a small cache": {"cache-max-size": "300", "cache-max-file": "100"},
}


@pytest.fixture
def server() -> Iterator[str]:
    """A syslog server that nobody reads; UDP does not mind."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"udp://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture(params=DRIVERS)
async def log(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> AsyncIterator[Log]:
    name = str(request.param)
    driver = name.split()[0]
    options = DRIVERS[name] | ({"syslog-address": server} if driver == "syslog" else {})
    info = LogInfo(
        container_id="0123456789abcdef" * 4,
        name="/web",
        log_path=str(tmp_path / "logs" / "container.log"),
        cache_path=str(tmp_path / "container-cached.log"),
    )
    (tmp_path / "logs").mkdir()

    async def opener() -> LogDriver:
        return await create_driver(LogConfig(type=driver, config=options), info)

    opened = Log(opener)
    yield opened
    await opened.close()


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_a_log_that_can_be_read(check: Callable[[Log], Awaitable[None]], log: Log) -> None:
    await check(log)
