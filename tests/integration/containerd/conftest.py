"""A client in a namespace of its own, on every version of containerd, and something to run."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from runner.containerd.client import Containerd
from runner.containerd.containers import Container, Runtime
from runner.containerd.runc import RUNTIME
from runner.containerd.values import Mount
from runner.types.errors import FailedPrecondition, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.support.containerd import Containerd as Daemon


@pytest.fixture
async def client(any_containerd: Daemon) -> AsyncIterator[Containerd]:
    """A client in an empty namespace, which is gone afterwards with all that is in it."""
    namespace = f"test-{secrets.token_hex(4)}"
    async with Containerd(str(any_containerd.address), namespace) as client:
        yield client
        await _empty(client)


@pytest.fixture
async def held(client: Containerd) -> AsyncIterator[None]:
    """A lease over the whole test: the collector runs whenever it likes."""
    async with client.leases.hold():
        yield


@pytest.fixture
def workload(client: Containerd, tmp_path: Path) -> Workload:
    """Containers that run the host's static busybox."""
    rootfs = tmp_path / "rootfs"
    for directory in ("bin", "dev", "proc", "sys", "tmp"):
        (rootfs / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    return Workload(client, rootfs)


class Workload:
    """Makes container records and tasks that run busybox's commands."""

    def __init__(self, client: Containerd, rootfs: Path) -> None:
        self.client = client
        self.mounts = [Mount("bind", str(rootfs), options=("rbind", "rw"))]

    async def record(
        self,
        *args: str,
        container_id: str = "",
        terminal: bool = False,
        argv: Sequence[str] = (),
    ) -> str:
        """A container record of which no task has been made; its ID."""
        container_id = container_id or f"box-{secrets.token_hex(4)}"
        first = process(argv or ["/bin/busybox", *args], terminal=terminal)
        spec = json.dumps(oci_spec(container_id, first)).encode()
        await self.client.containers.create(Container(container_id, Runtime(RUNTIME), spec))
        return container_id

    async def created(self, *args: str, **stdio: Any) -> str:
        """A container with a task that waits to be started; its ID."""
        container_id = await self.record(*args, terminal=stdio.get("terminal", False))
        await self.client.tasks.create(container_id, rootfs=self.mounts, **stdio)
        return container_id

    async def running(self, *args: str, **stdio: Any) -> str:
        """A container with a task that was started; its ID."""
        container_id = await self.created(*args, **stdio)
        await self.client.tasks.start(container_id)
        return container_id

    async def ended(self, *args: str) -> str:
        """A container with a task that has ended; its ID."""
        container_id = await self.running(*args)
        await self.client.tasks.wait(container_id)
        return container_id


def process(argv: Sequence[str], *, terminal: bool = False) -> dict[str, Any]:
    """An OCI process that runs as root."""
    return {
        "terminal": terminal,
        "user": {"uid": 0, "gid": 0},
        "args": list(argv),
        "env": ["PATH=/bin"],
        "cwd": "/",
    }


def oci_spec(container_id: str, first: dict[str, Any]) -> dict[str, Any]:
    """A runtime spec with little more than runc insists on."""
    return {
        "ociVersion": "1.0.2",
        "process": first,
        "root": {"path": "rootfs"},
        "hostname": "box",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts"},
        ],
        "linux": {
            "cgroupsPath": f"/{container_id}",
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
        },
    }


async def _empty(client: Containerd) -> None:
    for task in await client.tasks.list():
        with contextlib.suppress(NotFound):
            await client.tasks.force_delete(task.container_id)
    for container in await client.containers.list():
        await client.containers.delete(container.id)
    for image in await client.images.list():
        await client.images.delete(image.name)
    for lease in await client.leases.list():
        await client.leases.delete(lease.id)
    for status in await client.content.list_statuses():
        await client.content.abort(status.ref)
    for blob in [blob async for blob in client.content.list()]:
        with contextlib.suppress(NotFound):  # taken by the collector meanwhile, as below
            await client.content.delete(blob.digest)
    await _remove_snapshots(client)
    with contextlib.suppress(NotFound):
        await client.namespaces.delete(client.namespace)


async def _remove_snapshots(client: Containerd) -> None:
    """Children first, which only their refusals tell."""
    while names := [info.name async for info in client.snapshots().list()]:
        for name in names:
            with contextlib.suppress(FailedPrecondition, NotFound):
                await client.snapshots().remove(name)
