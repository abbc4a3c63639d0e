"""Dual logging: a local log beside one that cannot be read (moby loggerutils/cache).

dockerd gives the cache no message that the driver has refused, and pays no heed to `cache-max-size`
and its like. Here the cache has everything, which is what one wants to read when the log server is
gone, and is as large as it is told to be.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.logs.local import create_local
from runner.logs.options import DEFAULT_RING_SIZE, ring_size
from runner.logs.ring import RingDriver
from runner.types.errors import RunnerError
from runner.types.gotext import parse_bool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from runner.logs.driver import LogDriver
    from runner.logs.failures import Failures
    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig

_PREFIX: Final = "cache-"


class CachedDriver:
    """Writes to both, reads from the cache."""

    readable = True

    def __init__(self, driver: LogDriver, cache: LogDriver) -> None:
        self._driver = driver
        self._cache = cache

    async def write(self, batch: Batch) -> None:
        """Cache first: the driver may take its time. Each gets the batch whatever the other says.

        Raises RunnerError when one of them does.
        """
        failure: RunnerError | None = None
        try:
            await self._cache.write(batch)
        except RunnerError as err:
            failure = err
        await self._driver.write(batch)
        if failure is not None:
            raise failure

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The cached records."""
        return self._cache.read(config)

    async def close(self) -> None:
        """Close both."""
        try:
            await self._driver.close()
        finally:
            await self._cache.close()


def uses_cache(options: Mapping[str, str]) -> bool:
    """Whether a driver that cannot be read gets a cache (moby ShouldUseCache)."""
    disabled = options.get("cache-disabled", "")
    return not (disabled and parse_bool(disabled))


def with_local_cache(
    driver: LogDriver, options: Mapping[str, str], path: str, failures: Failures
) -> CachedDriver:
    """The driver with a cache at `path` (moby WithLocalCache).

    The cache would rather lose output than hold the container back, unless the mode is `blocking`.
    Raises ValueError or OSError.
    """
    cache: LogDriver = create_local(_local_options(options), Path(path))
    if options.get("mode") != "blocking":
        size = ring_size(options)
        cache = RingDriver(cache, DEFAULT_RING_SIZE if size is None else size, failures)
    return CachedDriver(driver, cache)


def _local_options(options: Mapping[str, str]) -> dict[str, str]:
    """The local driver's options among those that start with `cache-`.

    A single file is not compressed; dockerd would not refuse it either.
    """
    local = {
        option.removeprefix(_PREFIX): value
        for option, value in options.items()
        if option.startswith(_PREFIX)
    }
    if local.get("max-file") in ("0", "1"):
        local.setdefault("compress", "false")
    return local
