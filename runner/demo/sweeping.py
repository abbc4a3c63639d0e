"""What the demo's engine leaves in containerd, network and cgroups, removed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from runner.containerd.client import Containerd
from runner.containerd.mounted import unmount_all_in_thread
from runner.engine.keeper import Keeper
from runner.linux.mountinfo import read_mounts
from runner.network import BridgeConfig, NetworkController
from runner.store import Store
from runner.types.errors import RunnerError

_SNAPSHOTTER: Final = "overlayfs"
_CGROUPS: Final = Path("/sys/fs/cgroup")


async def sweep(containerd: str, namespace: str, bridge: str, root: Path) -> None:
    """Remove bridge, rules and namespaces, everything in containerd's namespace, then mounts and
    the companion of an engine that was killed."""
    database = root / "data/runner.db"
    if database.exists():
        store = Store(database)
        try:
            await NetworkController(
                exec_root=root / "exec",
                addresses=store.addresses,
                bridge=BridgeConfig(network_id="", name=bridge, bip=None),
            ).purge()
        finally:
            store.close()
    async with Containerd(containerd, namespace) as client:
        with contextlib.suppress(RunnerError):
            await _empty(client)
            await client.namespaces.delete(namespace)
    for mount in reversed(read_mounts()):
        if Path(mount.mountpoint).is_relative_to(root):
            await _tried(unmount_all_in_thread(Path(mount.mountpoint)))
    await _end_companion(root / "exec/keeper.sock")


async def _end_companion(socket: Path) -> None:
    """Have the process end that holds the containers' FIFOs."""
    if socket.exists():
        keeper = Keeper(socket)
        await keeper.open()
        keeper.forget_all_but(())
        keeper.close()


async def _empty(client: Containerd) -> None:
    for task in await client.tasks.list():
        with contextlib.suppress(RunnerError):
            await client.tasks.force_delete(task.container_id)
    for container in await client.containers.list():
        await client.containers.delete(container.id)
    for image in await client.images.list():
        await client.images.delete(image.name)
    for lease in await client.leases.list():
        await client.leases.delete(lease.id)
    snapshots = client.snapshots(_SNAPSHOTTER)
    while names := [info.name async for info in snapshots.list()]:
        removed = [await _tried(snapshots.remove(name)) for name in names]
        if not any(removed):  # those that others stand upon go in a later round
            break
    for digest in [info.digest async for info in client.content.list()]:
        await _tried(client.content.delete(digest))


async def _tried(work: object) -> bool:
    try:
        await work  # type: ignore[misc]
    except RunnerError:
        return False
    return True


def remove_cgroups(parent: str) -> None:
    """Remove the parent of the containers' cgroups, in every hierarchy."""
    for place in (_CGROUPS, *_CGROUPS.glob("*/")) if parent else ():
        with contextlib.suppress(OSError):
            place.joinpath(parent.lstrip("/")).rmdir()
