"""The first process's streams, from FIFOs to log and clients (moby InitializeStdio)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner.engine.fifo import FifoSet
from runner.engine.logs import start_logger
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_INIT_PROCESS = "init"
_RESCUE_TIMEOUT = 0.5


def fifos_of(container: Container) -> FifoSet:
    """The FIFOs of the container's first process."""
    return FifoSet.named(
        container.runtime_dir,
        _INIT_PROCESS,
        stdin=container.config.open_stdin,
        tty=container.config.tty,
    )


async def initialize(engine: Engine, container: Container) -> FifoSet:
    """Make the FIFOs and the log driver, and copy from now on.

    Raises what the log driver refuses, as `failed to initialize logging driver: …`.
    """
    fifos = fifos_of(container)
    fifos.make()
    try:
        container.log_driver = await start_logger(container)
    except RunnerError as err:
        raise RunnerError(f"failed to initialize logging driver: {err}") from err
    _open_outputs(engine, container, fifos)
    return fifos


async def resume(engine: Engine, container: Container) -> None:
    """The same for a container that has run all the while: whatever is wrong with its log."""
    fifos = fifos_of(container)
    fifos.make()
    try:
        container.log_driver = await start_logger(container, resume=True)
    except RunnerError as err:
        log.error("the log cannot be continued: %s", err, extra={"container": container.id})
    _open_outputs(engine, container, fifos)


def _open_outputs(engine: Engine, container: Container, fifos: FifoSet) -> None:
    opened = container.streams.open_outputs(fifos, container.log_driver, container.id)
    engine.keeper.hold(container.id, opened)


def open_stdin(container: Container) -> None:
    """Open the way in, once the task exists: the shim reads by then."""
    if container.config.open_stdin:
        container.streams.stdin.open(fifos_of(container).stdin)


async def rescue(engine: Engine, container: Container) -> None:
    """Take what an ended container has written and nobody has read, into its log."""
    await resume(engine, container)
    await container.streams.drained(_RESCUE_TIMEOUT)
    await container.reset()
