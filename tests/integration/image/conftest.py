"""An image store in a namespace of its own."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import pytest

from runner.containerd.client import Containerd
from runner.image.store import ImageStore
from runner.types.errors import NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.containerd import Containerd as Daemon


@pytest.fixture
async def store(any_containerd: Daemon) -> AsyncIterator[ImageStore]:
    """An empty store on every version of containerd, gone afterwards with all that it has."""
    async with _a_store(any_containerd) as made:
        yield made


@pytest.fixture
async def one_store(containerd: Daemon) -> AsyncIterator[ImageStore]:
    """The same on one version: for what is between us and a registry."""
    async with _a_store(containerd) as made:
        yield made


@contextlib.asynccontextmanager
async def _a_store(containerd: Daemon) -> AsyncIterator[ImageStore]:
    namespace = f"images-{secrets.token_hex(4)}"
    async with Containerd(str(containerd.address), namespace) as client:
        yield ImageStore(client, "overlayfs")
        await empty(client)
        with contextlib.suppress(RunnerError):
            await client.namespaces.delete(namespace)


async def empty(client: Containerd) -> None:
    """Take all names away and wait for the garbage collector."""
    for record in await client.images.list():
        await client.images.delete(record.name)
    for lease in await client.leases.list():
        await client.leases.delete(lease.id)
    # Any synchronous deletion waits for a whole run of the collector.
    lease = await client.leases.create()
    await client.leases.delete(lease.id, sync=True)
    for status in await client.content.list_statuses():
        with contextlib.suppress(NotFound):
            await client.content.abort(status.ref)
