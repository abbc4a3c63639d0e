"""What the engine needs of a log driver, and how it gets one (moby daemon/logger/factory.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from runner.logs.jsonfile import create_json_file
from runner.logs.none import NoneDriver
from runner.logs.options import check_driver, ring_size
from runner.logs.ring import RingDriver
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from runner.logs.info import LogInfo
    from runner.logs.message import Batch, Message
    from runner.logs.reader import ReadConfig
    from runner.types.container import LogConfig


class LogDriver(Protocol):
    """Takes a container's output and, if it can, gives it back."""

    async def write(self, batch: Batch) -> None:
        """Store the records. Waiting here holds the container's output back, as it should.

        stdout's and stderr's copiers may call it at the same time. Raises RunnerError.
        """

    def read(self, config: ReadConfig) -> AsyncGenerator[list[Message], None]:
        """The stored records in order, some at a time, from what is there at the first step.

        With `follow` it goes on until the driver is closed. Use it with `contextlib.aclosing`.
        Raises NotImplementedYet at once when the driver cannot read.
        """

    async def close(self) -> None:
        """No more will be written; followers end when they have read all. Idempotent."""


_CREATORS: Final[dict[str, Callable[[LogConfig, LogInfo], LogDriver]]] = {
    "json-file": create_json_file,
    "none": lambda _config, _info: NoneDriver(),
}


def create_driver(config: LogConfig, info: LogInfo) -> LogDriver:
    """The container's driver (moby container.StartLogger).

    Raises RunnerError with dockerd's text for options that only show to be wrong here, and for a
    file that cannot be opened.
    """
    check_driver(config.type)
    try:
        driver = _CREATORS[config.type](config, info)
        size = ring_size(config)
    except (OSError, ValueError) as err:
        raise RunnerError(str(err)) from err
    return driver if size is None else RingDriver(driver, size)
