"""Which of containerd's snapshotters the containers' file systems come from.

Like moby's choice of a graph driver (daemon/graphdriver New): what was used before is used again,
and where the first choice does not work there is one that works anywhere, by copying.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.containerd.client import Containerd
from runner.linux.mount import mount, umount

if TYPE_CHECKING:
    from runner.containerd.introspection import Plugin
    from runner.engine.config import EngineConfig

log = logging.getLogger(__name__)

OVERLAYS = "overlayfs"
COPIES = "native"


async def choose_snapshotter(config: EngineConfig, address: str) -> str:
    """The one that is configured; otherwise overlays, unless they do not work here, or copies were
    made before."""
    if config.snapshotter:
        return config.snapshotter
    used = config.snapshotters_used()
    if COPIES in used and OVERLAYS not in used:
        log.info("the snapshotter is %s, as before", COPIES)
        return COPIES
    async with Containerd(address, config.containerd_namespace) as containerd:
        found = await containerd.introspection.plugins("type==io.containerd.snapshotter.v1")
    plugins = {plugin.id: plugin for plugin in found}
    obstacle = await asyncio.to_thread(_obstacle, plugins.get(OVERLAYS))
    if obstacle is None or COPIES not in plugins or plugins[COPIES].init_error:
        return OVERLAYS
    log.warning(
        "%s: the snapshotter is %s, which copies an image for each container (in a container, put"
        " the data root on a volume)",
        obstacle,
        COPIES,
    )
    return COPIES


def _obstacle(plugin: Plugin | None) -> str | None:
    """Why containers cannot be had on overlays, if they cannot."""
    if plugin is None:
        return "containerd has no overlayfs"
    if plugin.init_error:
        return f"containerd's overlayfs is not to be had ({plugin.init_error})"
    root = plugin.exports.get("root")
    if root is None or not Path(root).is_dir():  # containerd has another view of the files
        return None
    try:
        _try_overlay(root)
    except OSError as err:
        return f"no overlay can be mounted in {root} ({(err.strerror or str(err)).lower()})"
    return None


def _try_overlay(folder: str) -> None:
    """Mount one whose directories are in `folder`. Raises OSError: overlays do not stack."""
    scratch = Path(tempfile.mkdtemp(prefix=".runner-try-", dir=folder))
    try:
        parts = {name: scratch / name for name in ("lower", "upper", "work", "merged")}
        for part in parts.values():
            part.mkdir()
        data = ",".join(f"{name}dir={parts[name]}" for name in ("lower", "upper", "work"))
        mount("overlay", parts["merged"], "overlay", data=data)
        umount(parts["merged"])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
