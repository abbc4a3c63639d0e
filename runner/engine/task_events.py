"""containerd's task events, the second source of exits and the only one of OOM kills."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.containerd.events import TaskExit, TaskOOM, TaskPaused, TaskResumed
from runner.engine.exit_status import ExitStatus
from runner.engine.pause import note_paused
from runner.types import times
from runner.types.errors import RunnerError, Unavailable

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_TOPICS = ("/tasks/exit", "/tasks/oom", "/tasks/paused", "/tasks/resumed")
_UNKNOWN_EXEC = 127
_RETRY_DELAY = 0.1
_SERVING_TIMEOUT = 60.0


async def follow_task_events(engine: Engine) -> None:
    """Listen for ever, across containerd's restarts (moby processEventStream).

    What happens while containerd is away is not told again: the watchers of the running tasks ask
    for their state once it serves (`monitor`).
    """
    namespace = engine.config.containerd_namespace
    filters = [f'namespace=={namespace},topic=="{topic}"' for topic in _TOPICS]
    while True:
        try:
            async for envelope in engine.containerd.events.subscribe(*filters):
                _handle(engine, envelope.event)
        except RunnerError as err:
            log.error("Failed to get event: %s", err)
        await asyncio.sleep(_RETRY_DELAY)
        log.info("Waiting for containerd to be ready to restart event processing")
        with suppress(Unavailable):
            await engine.containerd.wait_until_serving(_SERVING_TIMEOUT)


def _handle(engine: Engine, event: object) -> None:
    """What needs a container's lock waits for it beside: that may be held for as long as a client
    takes to read, and other containers' exits come behind it. The lock keeps the order."""
    match event:
        case TaskExit(container_id=container_id, id=process_id):
            if container := engine.containers.known(container_id):
                if container_id == process_id:
                    _note_exit(container, event)
                else:
                    _note_exec_exit(engine, container, event)
        case TaskOOM(container_id=container_id):
            if container := engine.containers.known(container_id):
                engine.background(_note_oom(engine, container), f"note OOM of {container_id}")
        case TaskPaused(container_id=container_id) | TaskResumed(container_id=container_id):
            if container := engine.containers.known(container_id):
                paused = isinstance(event, TaskPaused)
                work = note_paused(engine, container, paused=paused)
                engine.background(work, f"note pause of {container_id}")
        case _:
            pass


def _note_exit(container: Container, event: TaskExit) -> None:
    # by its PID it is this run's exit, not a late one of the run before
    if event.pid == container.state.pid:
        container.tell_exit(ExitStatus(event.exit_status, times.from_datetime(event.exited_at)))


def _note_exec_exit(engine: Engine, container: Container, event: TaskExit) -> None:
    """Of a process that is none of ours, another containerd client's, only the end is told."""
    if engine.execs.knows(event.id):
        exited = ExitStatus(event.exit_status, times.from_datetime(event.exited_at))
        engine.execs.get(event.id).tell_exit(exited)
    else:
        attributes = {"execID": event.id, "exitCode": str(_UNKNOWN_EXEC)}
        engine.events.log_container(container, "exec_die", attributes)


async def _note_oom(engine: Engine, container: Container) -> None:
    async with container.lock:
        container.state.oom_killed = True
        engine.containers.checkpoint_or_log(container)
        engine.events.log_container(container, "oom")
