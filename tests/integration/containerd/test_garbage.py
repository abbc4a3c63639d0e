"""containerd's garbage collector: what it takes, and what keeps it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.containerd.containers import Container, Runtime
from runner.containerd.leases import Resource
from runner.containerd.runc import RUNTIME
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from runner.containerd.client import Containerd

ROOT = {"containerd.io/gc.root": "yes"}


async def collect(client: Containerd) -> None:
    """Deleting a lease in sync mode waits for a collection."""
    lease = await client.leases.create()
    await client.leases.delete(lease.id, sync=True)


async def test_what_nothing_holds_is_taken(client: Containerd) -> None:
    async with client.leases.hold():
        kept = await client.content.write_blob(b"kept", ROOT)
        loose = await client.content.write_blob(b"loose")
        await client.snapshots().prepare("kept", labels=ROOT)
        await client.snapshots().prepare("loose")
    await collect(client)
    assert [info.name async for info in client.snapshots().list()] == ["kept"]
    assert [info.digest async for info in client.content.list()] == [kept]
    with pytest.raises(NotFound):
        await client.content.info(loose)


async def test_a_lease_holds_what_is_written_under_it(client: Containerd) -> None:
    async with client.leases.hold() as lease:
        held = await client.content.write_blob(b"held")
        await client.snapshots().prepare("held")
        await collect(client)
        assert await client.content.read_all(held) == b"held"
        await client.snapshots().stat("held")
        assert await client.leases.list_resources(lease.id) == [
            Resource("content", held),
            Resource("snapshots/overlayfs", "held"),
        ]


async def test_a_lease_holds_a_blob_that_was_there_before(client: Containerd) -> None:
    async with client.leases.hold():
        await client.content.write_blob(b"blob")
        async with client.leases.hold() as inner:
            digest = await client.content.write_blob(b"blob")
            assert await client.leases.list_resources(inner.id) == [Resource("content", digest)]


async def test_a_container_record_holds_its_snapshot(client: Containerd) -> None:
    async with client.leases.hold():
        await client.snapshots().prepare("box")
        await client.containers.create(
            Container("box", Runtime(RUNTIME), b"{}", snapshotter="overlayfs", snapshot_key="box")
        )
    await collect(client)
    await client.snapshots().stat("box")
