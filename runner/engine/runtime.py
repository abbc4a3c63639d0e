"""The containerd container and task of one of ours (moby libcontainerd NewContainer, NewTask)."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from runner.containerd.containers import Container as ContainerdContainer
from runner.containerd.containers import Runtime
from runner.containerd.runc import RUNTIME, RuncOptions
from runner.engine import observe, process_io
from runner.types.errors import InvalidParameter, NotFound, RunnerError

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.oci.spec import Spec

_SWEEPING_UP = 10.0
_SHIM_NAME = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+\.v[0-9]+")


def resolve(name: str) -> Runtime:
    """The shim for a runtime's name: `runc`, another OCI runtime's binary, or a shim by its name.

    Raises InvalidParameter for a runtime that is not installed (moby runtimes.Get).
    """
    if _SHIM_NAME.fullmatch(name):
        return Runtime(name)
    if name == "runc":
        return Runtime(RUNTIME, RuncOptions())
    # the path, since the shim looks on containerd's PATH, which need not be ours
    if "/" not in name and (binary := shutil.which(name)):
        return Runtime(RUNTIME, RuncOptions(binary_name=binary))
    raise InvalidParameter(f"unknown or invalid runtime name: {name}")


def binary(name: str) -> str:
    """The OCI runtime behind a runtime's name; runc where a shim chooses it by itself."""
    options = resolve(name).options
    return (isinstance(options, RuncOptions) and options.binary_name) or "runc"


def describe(engine: Engine, container: Container, spec: Spec) -> ContainerdContainer:
    """The containerd container for the next start."""
    record = container.record
    return ContainerdContainer(
        id=container.id,
        runtime=resolve(record.host_config.runtime or engine.config.default_runtime),
        spec=msgspec.json.encode(spec),
        image=record.image_name,
        snapshotter=record.driver,
        snapshot_key=container.id,
    )


async def create_task(engine: Engine, container: Container) -> None:
    """Tasks.Create: the shim, and runc's half of the work (moby NewTask).

    The root filesystem is mounted already, so the task gets no mounts of its own. Raises what
    the runtime says is wrong with the command.
    """
    fifos = await process_io.initialize(engine, container)
    once_swept_up = AsyncRetrying(
        retry=retry_if_exception(_is_being_swept_up),
        stop=stop_after_delay(_SWEEPING_UP),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    pid: int = await once_swept_up(
        engine.containerd.tasks.create,
        container.id,
        rootfs=(),
        stdin=fifos.stdin,
        stdout=fifos.stdout,
        stderr=fifos.stderr,
        terminal=container.config.tty,
    )
    observe.created(container, pid)
    process_io.open_stdin(container)
    if container.streams.stdin.closed:  # by a client that was quicker than the task
        await close_stdin(engine, container)


def _is_being_swept_up(error: BaseException) -> bool:
    """Whether containerd still has the bundle of a Create that nobody waits for any more.

    When an engine dies in Tasks.Create, containerd cleans up after it for as long as five seconds
    (its timeout io.containerd.timeout.shim.cleanup), and the next Create meets the directory, or
    makes it while it is being removed.
    """
    text = str(error)
    is_there = text.startswith("mkdir ") and text.endswith(": file exists")
    is_going = "failed to start shim" in text and "getwd: no such file or directory" in text
    return isinstance(error, RunnerError) and (is_there or is_going)


async def close_stdin(engine: Engine, container: Container) -> None:
    """End the input of the first process.

    The shim holds a write end of the FIFO itself, so closing ours is not enough. Before the task
    exists there is nothing to be told: `create_task` looks again.
    """
    container.streams.stdin.close()
    with suppress(NotFound):
        await engine.containerd.tasks.close_io(container.id)
