"""ContainerStart (moby daemon/start.go): from a container's record to its running process.

    validate the state                                   start
    mount the root filesystem, make the network sandbox  _prepare
    make the OCI runtime spec                            spec
    Containers.Create, once more after a conflict        replace
    Tasks.Create, endpoints joined beside it             _create_task
    Tasks.Wait, Tasks.Start                              monitor.watch, _start
    state, checkpoint, event                             _set_running

Every step that makes something in containerd registers its undo; when a later one fails they are
undone in reverse order, the rest of the run is given back, and the container keeps the error and
the exit code.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from runner import trace
from runner.engine import (
    cleanup,
    health,
    links,
    mounts,
    networking,
    observe,
    remove,
    rootfs,
    runtime,
    spec,
    task,
)
from runner.engine.exit_status import START_FAILED, set_exit_code_from_error
from runner.engine.replace import replace_container
from runner.engine.runtime_state import delete_unowned
from runner.engine.verify import verify_container_settings
from runner.types import times
from runner.types.errors import Conflict, NotModified, RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.engine.state import State
    from runner.volume import Prepared

log = logging.getLogger(__name__)


async def start(engine: Engine, reference: str) -> None:
    """Start a container on behalf of a client (moby ContainerStart).

    Raises NotFound, NotModified when it runs already, Conflict when its state forbids it,
    InvalidParameter when its settings no longer fit this host, and what `container_start` raises.
    """
    container = engine.containers.get(reference)
    async with container.lock:
        _validate_state(container.state)
    verify_container_settings(None, container.host_config, engine.sysinfo)
    # a client that goes away does not stop a start half-way
    started = engine.background(container_start(engine, container), f"start {container.id}")
    await asyncio.shield(started)


def _validate_state(state: State) -> None:
    """moby validateState: paused comes first, since a paused container is also running."""
    if state.paused:
        raise Conflict("cannot start a paused container, try unpause instead")
    if state.running:
        raise NotModified("container is already running")
    if state.removal_in_progress or state.dead:
        raise Conflict("container is marked for removal and cannot be started")


async def container_start(
    engine: Engine, container: Container, *, reset_restart_manager: bool = True
) -> None:
    """Start the container (moby containerStart).

    `reset_restart_manager` is false when the restart policy starts it again. On failure the error
    and exit code (126, 127 or 128) stay with the container, everything made is undone, and an
    auto-remove container is removed. Raises Conflict, InvalidParameter or System.
    """
    began = time.monotonic()
    failure: RunnerError | None = None
    async with container.lock:
        if reset_restart_manager and container.state.running:
            return
        if container.state.removal_in_progress or container.state.dead:
            raise Conflict("container is marked for removal and cannot be started")
        await container.finish_teardown()
        try:
            with trace.step("daemon.containerStart", **_told(container)):
                await _start_or_undo(engine, container, reset_restart_manager=reset_restart_manager)
        except RunnerError as err:
            failure = err
    if failure is not None:
        if container.host_config.auto_remove:
            await remove.auto_remove(engine, container)
        raise failure
    engine.metrics.action("start", time.monotonic() - began)


def _told(container: Container) -> dict[str, Any]:
    """What the step tells of the start: whose it is, and whether the policy wants it."""
    told: dict[str, Any] = {"container": container.id, "name": container.name}
    if restarts := container.record.restart_count:
        told |= {"role": "restart", "restart": restarts}
    return told


async def _start_or_undo(
    engine: Engine, container: Container, *, reset_restart_manager: bool
) -> None:
    """Start; on failure undo everything and record why (moby's deferred clean-up)."""
    undo = _Undo()
    try:
        async with undo:
            await _start(engine, container, undo, reset_restart_manager=reset_restart_manager)
            undo.pop_all()
    except RunnerError as err:
        await _record_failure(engine, container, err.message, undo)
        raise
    except Exception as err:
        log.exception("the start failed unexpectedly", extra={"container": container.id})
        failure = System(f"internal error: {type(err).__name__}: {err}")
        await _record_failure(engine, container, failure.message, undo)
        raise failure from err
    except BaseException:
        await _record_failure(engine, container, "the engine was stopped during the start", undo)
        raise


class _Undo(AsyncExitStack):
    """What undoes the steps of a start."""

    left_in_containerd = True
    """Whether containerd may still have something of it."""


async def _record_failure(
    engine: Engine, container: Container, message: str, undone: _Undo
) -> None:
    state = container.state
    state.error = message
    if state.exit_code == 0:
        state.exit_code = START_FAILED
    networking.released(engine, container)
    engine.containers.checkpoint_or_log(container)
    await container.reset()
    mounts.log_unmounts(engine, container)
    await cleanup_now_or_later(engine, container, in_containerd=undone.left_in_containerd)


async def cleanup_now_or_later(
    engine: Engine, container: Container, *, in_containerd: bool = True
) -> None:
    """Give back what the run has taken; what cannot be given back now is, in the background."""
    if not await cleanup.cleanup(engine, container.id, in_containerd=in_containerd, role="undo"):
        container.teardown = engine.background(
            cleanup.cleanup_until_done(engine, container.id), f"clean up {container.id}"
        )


async def _start(
    engine: Engine, container: Container, undo: _Undo, *, reset_restart_manager: bool
) -> None:
    """The road itself; each step that makes something in containerd pushes its undo."""
    prepared = await _prepare(engine, container)
    undo.push_async_callback(prepared.release)
    oci_spec = spec.create_spec(engine, container, prepared)
    if reset_restart_manager:
        _reset_restart_manager(container)
    with _exit_code_kept(container):
        described = runtime.describe(engine, container, oci_spec)
        await replace_container(engine.containerd, described)
        await delete_unowned(engine, container.id)
    undo.push_async_callback(_undo_in_containerd, engine, container, undo)

    # taken before the task is made, as moby does: it becomes StartedAt
    started_at = times.now()
    await _create_task(engine, container)
    undo.callback(engine.monitor.unwatch, container)
    await engine.monitor.watch(container)
    with (
        _exit_code_kept(container),
        trace.step("libcontainerd.remote.task.Start", container=container.id),
    ):
        pid = await engine.containerd.tasks.start(container.id)
    _set_running(engine, container, pid, started_at)
    await prepared.release()
    await observe.started(container, pid)


async def _undo_in_containerd(engine: Engine, container: Container, undo: _Undo) -> None:
    """moby's deferred deletions of the task and of the container."""
    with trace.step("libcontainerd.Delete", container=container.id, role="undo"):
        undo.left_in_containerd = not await cleanup.delete_from_containerd(engine, container.id)


async def _prepare(engine: Engine, container: Container) -> Prepared:
    """Mount the root filesystem and make the sandbox, beside each other, then the mounts."""
    steps = (
        rootfs.mount(engine, container),
        networking.initialize_networking(engine, container),
    )
    # not a TaskGroup: its error would be a group, and a step is not to be cut off half-way
    for result in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
    return await mounts.prepare(engine, container)


def _reset_restart_manager(container: Container) -> None:
    """A start by a user begins a new account of restarts (moby ResetRestartManager)."""
    if container.restart_manager:
        container.restart_manager.cancel()
    container.restart_manager = None
    container.record.restart_count = 0
    container.record.has_been_manually_stopped = False


async def _create_task(engine: Engine, container: Container) -> None:
    """Tasks.Create, with the endpoints joined beside it and before Tasks.Start.

    moby joins them after Tasks.Create (initializeCreatedTask): nobody can see the order, but the
    70 ms of Tasks.Create.
    """
    unjoined = copy.deepcopy(container.record.network_settings)
    endpoints = asyncio.ensure_future(networking.allocate_network(engine, container))
    try:
        with (
            _exit_code_kept(container),
            trace.step("libcontainerd.remote.NewTask", container=container.id),
        ):
            try:
                await task.create_task(engine, container)
            except RunnerError as err:
                raise err.wrap("failed to create task for container") from err
    except BaseException:
        await asyncio.gather(endpoints, return_exceptions=True)  # the first error is the one told
        container.record.network_settings = unjoined  # as moby, which had not come to that yet
        raise
    await endpoints
    networking.connected(engine, container)
    await links.tell_parents(engine, container)
    await networking.refresh_files(engine, container)


@contextmanager
def _exit_code_kept(container: Container) -> Iterator[None]:
    """An error of containerd's tells the exit code (126, 127, 128), and gets its class by it."""
    try:
        yield
    except RunnerError as err:
        container.state.exit_code, error = set_exit_code_from_error(err)
        raise error from err


def _set_running(engine: Engine, container: Container, pid: int, started_at: str) -> None:
    record = container.record
    record.has_been_manually_restarted = False
    record.state.set_running(pid, started_at)
    record.has_been_started_before = True
    health.init_health_monitor(engine, container)
    engine.containers.checkpoint_or_log(container)
    engine.events.log_container(container, "start")
