"""How a container gets its log driver (moby daemon/logger/factory.go)."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from runner.logs.cache import uses_cache, with_local_cache
from runner.logs.failures import Failures
from runner.logs.journald import create_journald
from runner.logs.jsonfile import create_json_file
from runner.logs.local import create_local
from runner.logs.none import NoneDriver
from runner.logs.options import check_driver, ring_size
from runner.logs.ring import RingDriver
from runner.logs.syslog import create_syslog
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.logs.driver import LogDriver
    from runner.logs.info import LogInfo
    from runner.types.container import LogConfig

log = logging.getLogger(__name__)


async def create_driver(config: LogConfig, info: LogInfo, *, resume: bool = False) -> LogDriver:
    """The container's driver, with buffer and cache as its options want (moby StartLogger).

    Raises RunnerError with dockerd's text for options that only show to be wrong here, for a file
    that cannot be opened and a server that cannot be reached. `resume`: the container runs already,
    and a server that is not there is tried again with every write.
    """
    check_driver(config.type)
    async with AsyncExitStack() as undo:
        try:
            driver = await _create(config.type, config.config, info, resume=resume)
            undo.push_async_callback(driver.close)
            if (size := ring_size(config.config)) is not None:
                driver = RingDriver(driver, size, Failures(info.container_id))
                undo.push_async_callback(driver.close)
            if not driver.readable and config.type != "none" and uses_cache(config.config):
                log.debug("log driver %s cannot be read, caching", config.type)
                driver = _cached(driver, config.config, info)
        except (OSError, ValueError) as err:
            raise RunnerError(str(err)) from err
        undo.pop_all()
    return driver


async def _create(
    name: str, options: Mapping[str, str], info: LogInfo, *, resume: bool
) -> LogDriver:
    match name:
        case "json-file":
            return create_json_file(options, info)
        case "local":
            return create_local(options, Path(info.log_path))
        case "syslog":
            return await create_syslog(options, info, resume=resume)
        case "journald":
            return create_journald(options, info, resume=resume)
        case _:
            return NoneDriver()


def _cached(driver: LogDriver, options: Mapping[str, str], info: LogInfo) -> LogDriver:
    failures = Failures(info.container_id)
    try:
        return with_local_cache(driver, options, info.cache_path, failures)
    except ValueError as err:
        text = f"error initializing local log cache driver: {err}"
        raise ValueError(f"error setting up local container log cache: {text}") from err
