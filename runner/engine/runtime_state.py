"""What the OCI runtime has made and nobody owns.

When the engine dies while the runtime creates a container, containerd gives the task up and the
shim ends; but the runtime finishes its work. Its container then keeps the ID taken, so that the
next Tasks.Create says `container with given ID already exists`, and its first process waits for a
start that never comes. containerd knows nothing of it; the runtime is asked directly.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine import runtime
from runner.types.errors import System

if TYPE_CHECKING:
    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_RUNTIME_ROOT = Path("/run/containerd/runc")
"""Where containerd-shim-runc-v2 lets the runtime keep its state, by containerd's namespace."""


async def delete_unowned(engine: Engine, container_id: str) -> None:
    """Let the runtime kill and delete what it has under this ID; mostly nothing.

    Only for an ID of which containerd has no task. Raises System.
    """
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


def _binary(engine: Engine, container_id: str) -> str:
    """The container's runtime; the default one's if the container is forgotten already."""
    container = engine.containers.known(container_id)
    name = container.host_config.runtime if container else ""
    return runtime.binary(name or engine.config.default_runtime)
