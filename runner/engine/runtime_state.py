"""What shim and OCI runtime have made and nobody owns.

When the engine dies while the runtime creates a container, containerd gives the task up and the
shim ends; but the runtime finishes its work. Its container then keeps the ID taken, so that the
next Tasks.Create says `container with given ID already exists`, and its first process waits for a
start that never comes. containerd knows nothing of it; the runtime is asked directly.

When containerd itself dies in the midst of that, the shim stays too, and nobody will ever end it.
Or the bundle's directory does, and every later Tasks.Create for the ID says `mkdir …: file exists`
until containerd is started anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.containerd.mounted import remove_mount_point, unmount_all_in_thread
from runner.engine import runtime
from runner.types.errors import NotFound, System

if TYPE_CHECKING:
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_RUNTIME_ROOT = Path("/run/containerd/runc")
"""Where containerd-shim-runc-v2 lets the runtime keep its state, by containerd's namespace."""

_BUNDLES = "io.containerd.runtime.v2.task"
"""containerd's plugin for tasks, in whose state each one's bundle is, by namespace and ID."""

_SHIM_SOCKETS = Path("/run/containerd/s")
_PATIENCE = 1.0
"""Seconds that a shim is given to end by itself, and how often to look meanwhile."""
_LOOKS = 20


async def delete_unowned(engine: Engine, container_id: str) -> None:
    """End a shim with this ID, and let the runtime kill and delete what it has under it; mostly
    there is nothing.

    Only for an ID of which containerd has no task. Raises System.
    """
    await _end_shim(engine, container_id)
    root = _RUNTIME_ROOT / engine.config.containerd_namespace
    if not (root / container_id).exists():
        return
    log.info("deleting what the runtime made for nobody", extra={"container": container_id})
    binary = _binary(engine, container_id)
    deleting = await asyncio.create_subprocess_exec(
        *(binary, "--root", str(root), "delete", "--force", container_id),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await deleting.communicate()
    if deleting.returncode:
        text = errors.decode(errors="replace").strip()
        raise System(f"{binary} delete --force {container_id}: {text}")


async def delete_bundle(engine: Engine, container_id: str, bundle: Path) -> bool:
    """Delete a bundle's directory in containerd's state, and a shim that may be in it.

    False when it is none of this container's, or containerd knows the task. Raises System.
    """
    owner = (_BUNDLES, engine.config.containerd_namespace, container_id)
    if bundle.parts[-len(owner) :] != owner or not bundle.is_dir():
        return False
    with suppress(NotFound):
        await engine.containerd.tasks.get(container_id)
        return False
    log.warning(
        "deleting the bundle that containerd has kept of a task that it does not know: %s",
        bundle,
        extra={"container": container_id},
    )
    await delete_unowned(engine, container_id)
    try:
        await unmount_all_in_thread(bundle / "rootfs")
        remove_mount_point(bundle / "rootfs")
        await asyncio.to_thread(shutil.rmtree, bundle)
    except OSError as err:
        raise System(f"cannot delete the stale bundle {bundle}: {err}") from err
    return True


def has_shim(engine: Engine, container_id: str) -> bool:
    """Whether a shim with this ID listens, or has died without tidying up."""
    return _shim_socket(engine, container_id).exists()


async def _end_shim(engine: Engine, container_id: str) -> None:
    socket = _shim_socket(engine, container_id)
    for _ in range(_LOOKS):
        if not socket.exists():
            return
        await asyncio.sleep(_PATIENCE / _LOOKS)  # it may be about to end by itself
    identity = {container_id, engine.config.containerd_namespace}
    for pid in await asyncio.to_thread(_pids_of_shims, identity):
        log.info("ending a shim that containerd has lost", extra={"container": container_id})
        with suppress(OSError):
            _kill_shim(pid, identity)
    socket.unlink(missing_ok=True)


def _shim_socket(engine: Engine, container_id: str) -> Path:
    """Where the shim listens (containerd pkg/shim SocketAddress)."""
    address = engine.containerd.address.removeprefix("unix://")
    name = f"{address}/{engine.config.containerd_namespace}/{container_id}"
    return _SHIM_SOCKETS / hashlib.sha256(name.encode()).hexdigest()


def _pids_of_shims(identity: set[str]) -> list[int]:
    """The shims that have all these words on their command lines."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _is_shim(pid, identity)]


def _is_shim(pid: int, identity: set[str]) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return "containerd-shim" in words[0] and identity.issubset(words)


def _kill_shim(pid: int, identity: set[str]) -> None:
    """Kill that process and no other that has got its number meanwhile. Raises OSError."""
    process = os.pidfd_open(pid)
    try:
        if _is_shim(pid, identity):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    finally:
        os.close(process)


def _binary(engine: Engine, container_id: str) -> str:
    """The container's runtime; the default one's if the container is forgotten already."""
    container = engine.containers.known(container_id)
    name = container.host_config.runtime if container else ""
    return runtime.binary(name or engine.config.default_runtime)
