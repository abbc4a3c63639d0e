"""ReplaceContainer: one containerd container for each of ours, whatever a crash has left there.

containerd's container is made anew at every start. When one with our ID is still there, the
previous run was not cleaned up (the host or the engine died): it is removed, with its task, and
Create is tried once more, exactly once.
Source: moby libcontainerd/replace.go, after moby/moby#38364.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from runner import trace
from runner.types.errors import AlreadyExists, Conflict, NotFound, RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tenacity import RetryCallState

    from runner.containerd.client import Containerd
    from runner.containerd.containers import Container

log = logging.getLogger(__name__)


async def replace_container(containerd: Containerd, container: Container) -> None:
    """Create the containerd container, in place of a stale one if need be.

    Raises Conflict `id already in use` when Create conflicts a second time, and System when the
    stale container cannot be loaded or deleted.
    """

    async def clean_up(_: RetryCallState) -> None:
        log.debug(
            "A container already exists with the same ID."
            " Attempting to clean up the old container.",
            extra={"container": container.id},
        )
        with trace.step("libcontainerd.deleteStale", container=container.id, role="cleanup"):
            await _delete_stale(containerd, container.id)

    attempts = count(1)

    async def create() -> None:
        attempt = next(attempts)
        with trace.step("libcontainerd.remote.NewContainer", container=container.id) as step:
            if step is not None and attempt > 1:
                step.note(role="retry", attempt=attempt)
            await containerd.containers.create(container)

    create_once_more = AsyncRetrying(
        retry=retry_if_exception_type(AlreadyExists),
        stop=stop_after_attempt(2),
        before_sleep=clean_up,
        reraise=True,
    )
    try:
        with trace.step("libcontainerd.ReplaceContainer", container=container.id):
            await create_once_more(create)
    except AlreadyExists as err:
        raise Conflict("id already in use") from err


async def _delete_stale(containerd: Containerd, container_id: str) -> None:
    """Kill and delete the task, delete the container; what has vanished meanwhile is fine."""
    try:
        with _failing("could not load stale containerd container object"):
            await containerd.containers.get(container_id)
    except NotFound:
        return
    if await _has_task(containerd, container_id):
        with _gone_is_fine(), _failing("could not delete stale containerd task object"):
            await containerd.tasks.force_delete(container_id)
    with _gone_is_fine(), _failing("could not delete stale containerd container object"):
        await containerd.containers.delete(container_id)


async def _has_task(containerd: Containerd, container_id: str) -> bool:
    try:
        with _failing("could not load stale containerd task object"):
            await containerd.tasks.get(container_id)
    except NotFound:
        return False
    return True


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    with suppress(NotFound):
        yield


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """Say which step of the clean-up failed. NotFound passes: the callers decide on it."""
    try:
        yield
    except NotFound:
        raise
    except RunnerError as err:
        raise System(f"{what}: {err}") from err
