"""The task of one of ours: shim, runc's half of the work, FIFOs (moby libcontainerd NewTask)."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from runner.engine import observe, process_io
from runner.engine.runtime_state import delete_bundle
from runner.types.errors import NotFound, RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.fifo import FifoSet

_SWEEPING_UP = 10.0
_TAKEN = re.compile(r"(failed to start shim: )?mkdir (?P<bundle>/.+): file exists")


async def create_task(engine: Engine, container: Container) -> None:
    """Tasks.Create: the shim, and runc's half of the work (moby NewTask).

    The root filesystem is mounted already, so the task gets no mounts of its own. Raises what
    the runtime says is wrong with the command.
    """
    fifos = await process_io.initialize(engine, container)
    try:
        pid = await _create_once_swept_up(engine, container, fifos)
    except RunnerError as err:
        taken = _TAKEN.fullmatch(err.message)
        if not taken or not await delete_bundle(engine, container.id, Path(taken["bundle"])):
            raise
        pid = await _create_once_swept_up(engine, container, fifos)
    observe.created(container, pid)
    process_io.open_stdin(container)
    if container.streams.stdin.closed:  # by a client that was quicker than the task
        await close_stdin(engine, container)


async def _create_once_swept_up(engine: Engine, container: Container, fifos: FifoSet) -> int:
    retry = AsyncRetrying(
        retry=retry_if_exception(_is_being_swept_up),
        stop=stop_after_delay(_SWEEPING_UP),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    pid: int = await retry(
        engine.containerd.tasks.create,
        container.id,
        rootfs=(),
        stdin=fifos.stdin,
        stdout=fifos.stdout,
        stderr=fifos.stderr,
        terminal=container.config.tty,
    )
    return pid


def _is_being_swept_up(error: BaseException) -> bool:
    """Whether containerd still has the bundle of a Create that nobody waits for any more.

    When an engine dies in Tasks.Create, containerd cleans up after it for as long as five seconds
    (its timeout io.containerd.timeout.shim.cleanup), and the next Create meets the directory, or
    makes it while it is being removed.
    """
    if not isinstance(error, RunnerError):
        return False
    text = error.message
    is_going = "failed to start shim" in text and "getwd: no such file or directory" in text
    return is_going or _TAKEN.fullmatch(text) is not None


async def close_stdin(engine: Engine, container: Container) -> None:
    """End the input of the first process.

    The shim holds a write end of the FIFO itself, so closing ours is not enough. Before the task
    exists there is nothing to be told: `create_task` looks again.
    """
    container.streams.stdin.close()
    with suppress(NotFound):
        await engine.containerd.tasks.close_io(container.id)
