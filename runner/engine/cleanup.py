"""Giving back what a run has taken (moby daemon.Cleanup and the task's deletion).

Best effort: every step is tried whatever became of the others, what fails is logged, and all of
it may be done twice. Works from the ID alone, since the container may be forgotten already.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt
from tenacity.wait import wait_exponential

from runner import trace
from runner.containerd.mounted import remove_mount_point
from runner.engine import mounts, networking, rootfs
from runner.engine.attempt import attempt
from runner.engine.runtime_state import delete_unowned
from runner.types.errors import FailedPrecondition, NotFound

if TYPE_CHECKING:
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_ATTEMPTS = 12


async def cleanup(
    engine: Engine,
    container_id: str,
    *,
    exited: bool = False,
    in_containerd: bool = True,
    role: str = "cleanup",
) -> bool:
    """Give back task, containerd container, network, mounts and FIFOs; whether all went well.

    `exited` says that the task is known to have ended, and need not be killed; `in_containerd` is
    false when it is known to have neither any more. `role` is for the trace: "undo" after a
    failure.
    """
    with (
        trace.about(container_id),
        trace.step("daemon.Cleanup", container=container_id, role=role),
    ):
        network = attempt(networking.release_network(engine, container_id), "release network")
        if in_containerd:
            deleting = delete_from_containerd(engine, container_id, exited=exited)
            gone = all(await asyncio.gather(deleting, network))
        else:
            gone = await network
        files = await release_files(engine, container_id)
    return gone and files


async def cleanup_until_done(engine: Engine, container_id: str, *, exited: bool = False) -> bool:
    """The same, tried again for a minute as long as something fails: containerd may be away."""
    retry = AsyncRetrying(
        retry=retry_if_result(lambda done: not done),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=0.1, max=10),
    )
    try:
        return await retry(cleanup, engine, container_id, exited=exited)
    except RetryError:
        log.error(
            "could not give back everything of the container's run; it is tried again when the"
            " container is started or removed, or the engine starts anew",
            extra={"container": container_id},
        )
        return False


async def delete_from_containerd(
    engine: Engine, container_id: str, *, exited: bool = False
) -> bool:
    """Kill and delete the task, then delete the container; both may be gone already."""
    task = await attempt(_delete_task(engine, container_id, exited=exited), "delete task")
    if task:
        await attempt(
            delete_unowned(engine, container_id), "delete what the runtime made for nobody"
        )
    container = engine.containerd.containers.delete(container_id)
    return await attempt(container, "delete container") and task


async def _delete_task(engine: Engine, container_id: str, *, exited: bool) -> None:
    """Delete the task, killing it first unless it has exited.

    Without the kill, deleting a task that was created but never started takes runc ten seconds.
    """
    if exited:
        with suppress(FailedPrecondition):  # it has not: an exit event of somebody's invention
            await engine.containerd.tasks.delete(container_id)
            return
    with suppress(NotFound):
        await engine.containerd.tasks.force_delete(container_id)
        return
    # A deletion that was cut off: the process is gone, but its shim may still be there.
    await engine.containerd.tasks.delete(container_id)


async def release_files(engine: Engine, container_id: str) -> bool:
    """Unmount everything of the container, then let go of its FIFOs."""
    root = rootfs.path(engine, container_id)
    unmounted = [
        await attempt(mounts.unmount_ipc(engine, container_id), "unmount IPC"),
        await attempt(rootfs.unmount_snapshot(root), "unmount rootfs"),
        await attempt(mounts.unmount_volumes(engine, container_id), "unmount volumes"),
    ]
    engine.keeper.drop(container_id)
    runtime_dir = engine.config.exec_root / "containers" / container_id
    shutil.rmtree(runtime_dir, ignore_errors=True)
    try:
        remove_mount_point(root)
    except OSError as err:
        log.warning("cannot remove %s: %s", root, err)
        return False
    return all(unmounted)
