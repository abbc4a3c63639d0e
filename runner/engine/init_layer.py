"""The layer between an image and its containers: places that are mounted upon in every container,
and what tells a program that it is in one (moby daemon/initlayer, containerd prepareInitLayer).

It keeps all that out of the container's own layer, of which `diff` and `commit` tell. dockerd makes
one for each container. It is the same for all containers of an image, though, so here they share
it: the first container makes it, and it stays as long as its image or a container upon it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from runner import trace
from runner.containerd.content import Info
from runner.containerd.mounted import temporary_mount
from runner.image.mediatypes import snapshot_gc_label
from runner.linux.threads import to_end
from runner.types.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.engine.engine import Engine
    from runner.image.store import Image

_MODE: Final = 0o755


def name(chain_id: str) -> str:
    """The snapshot upon the one with all of an image's layers."""
    return f"{chain_id or 'scratch'}-init"


async def ensure(engine: Engine, image: Image) -> str:
    """Have it made, and before it the image unpacked; its name. To be called under a lease, which
    holds it until something stands upon it. Raises DataLoss, NotFound, System."""
    parent = await engine.images.ensure_unpacked(image)
    snapshots, made = engine.images.snapshots, name(parent)
    with trace.step("daemon.prepareInitLayer", snapshot=made):
        key = f"{made}-{secrets.token_hex(8)}"
        mounts = await snapshots.prepare(key, parent)
        try:
            async with temporary_mount(mounts, engine.config.rootfs_dir) as root:
                await to_end(_populate, root)
            await snapshots.commit(made, key)
        except AlreadyExists:
            await snapshots.remove(key)  # another container of the image was quicker
    await _keep_with_image(engine, image, made)
    return made


async def _keep_with_image(engine: Engine, image: Image, made: str) -> None:
    label = f"{snapshot_gc_label(engine.images.snapshotter)}/init"
    with suppress(NotFound):  # the image is being removed; the container keeps the layer
        info = Info(image.config_digest, labels={label: made})
        await engine.images.content.update(info, f"labels.{label}")


def _populate(root: Path) -> None:
    """moby initlayer.Setup. Whatever the image has in the way, links above all, is removed."""
    for path, make in _PLACES.items():
        place = PurePosixPath(path)
        for above in (*reversed(place.parents), place):
            with suppress(OSError):  # a directory, or nothing
                (root / above.relative_to("/")).unlink()
        target = root / place.relative_to("/")
        if not target.exists():
            for parent in reversed(target.relative_to(root).parents):
                _directory(root / parent)
            make(target)


def _directory(path: Path) -> None:
    if not path.is_dir():
        path.mkdir()
        path.chmod(_MODE)
        os.chown(path, 0, 0)


def _file(path: Path) -> None:
    path.touch()
    path.chmod(_MODE)
    os.chown(path, 0, 0)


def _mount_table(path: Path) -> None:
    path.symlink_to("/proc/mounts")


_PLACES: Final[dict[str, Callable[[Path], None]]] = {
    "/dev/pts": _directory,
    "/dev/shm": _directory,  # noqa: S108 (in the container)
    "/proc": _directory,
    "/sys": _directory,
    "/.dockerenv": _file,
    "/etc/resolv.conf": _file,
    "/etc/hosts": _file,
    "/etc/hostname": _file,
    "/dev/console": _file,
    "/etc/mtab": _mount_table,
}
