"""Leases, and holding one."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner.containerd.client import Containerd
from runner.containerd.leases import EXPIRE, Resource
from runner.types.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from tests.support.containerd import Containerd as Daemon


async def test_create_list_delete(client: Containerd) -> None:
    named = await client.leases.create("named", {"a": "b"})
    assert (named.id, named.labels) == ("named", {"a": "b"})
    random = await client.leases.create(expires_in=timedelta(hours=1))
    expiry = datetime.fromisoformat(random.labels[EXPIRE])
    assert timedelta(minutes=59) < expiry - datetime.now(UTC) <= timedelta(hours=1)
    assert {lease.id for lease in await client.leases.list()} == {"named", random.id}
    with pytest.raises(AlreadyExists):
        await client.leases.create("named")
    await client.leases.delete("named")
    assert [lease.id for lease in await client.leases.list()] == [random.id]


async def test_resources(client: Containerd) -> None:
    lease = await client.leases.create()
    digest = await client.content.write_blob(b"blob")
    resources = [Resource("content", digest), Resource("snapshots/overlayfs", "key")]
    for resource in resources:
        await client.leases.add_resource(lease.id, resource)
    assert await client.leases.list_resources(lease.id) == resources
    await client.leases.delete_resource(lease.id, resources[0])
    assert await client.leases.list_resources(lease.id) == resources[1:]


async def test_missing_ones(client: Containerd) -> None:
    for call in (
        client.leases.delete("none"),
        client.leases.add_resource("none", Resource("content", f"sha256:{'0' * 64}")),
        client.leases.list_resources("none"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_held_lease_gets_what_is_made_also_by_tasks_started_inside(
    client: Containerd,
) -> None:
    async with client.leases.hold() as lease:
        await client.snapshots().prepare("here")
        async with asyncio.TaskGroup() as group:
            group.create_task(client.snapshots().prepare("there"))
        held = {resource.id for resource in await client.leases.list_resources(lease.id)}
    await client.snapshots().prepare("outside")
    assert held == {"here", "there"}
    assert await client.leases.list() == []


async def test_tasks_beside_a_held_lease_do_not_use_it(client: Containerd) -> None:
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> set[str]:
        async with client.leases.hold() as lease:
            held.set()
            await done.wait()
            return {resource.id for resource in await client.leases.list_resources(lease.id)}

    holding = asyncio.create_task(hold())
    await held.wait()
    await client.snapshots().prepare("beside")
    done.set()
    assert await holding == set()


async def test_an_inner_lease_takes_over_until_its_end(client: Containerd) -> None:
    async with client.leases.hold() as outer:
        async with client.leases.hold() as inner:
            await client.snapshots().prepare("inner")
            (resource,) = await client.leases.list_resources(inner.id)
        await client.snapshots().prepare("outer")
        outers = await client.leases.list_resources(outer.id)
    assert (resource.id, [resource.id for resource in outers]) == ("inner", ["outer"])


async def test_another_clients_calls_do_not_carry_the_lease(client: Containerd) -> None:
    async with Containerd(client.address, client.namespace) as other, client.leases.hold() as lease:
        await other.snapshots().prepare("theirs")
        assert await client.leases.list_resources(lease.id) == []


async def test_a_cancelled_holder_lets_go(client: Containerd) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with client.leases.hold():
            held.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    holding.cancel()
    await asyncio.sleep(0)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert await client.leases.list() == []


async def test_a_lease_that_is_gone_already_is_no_error(client: Containerd) -> None:
    async with client.leases.hold() as lease:
        await client.leases.delete(lease.id)


async def test_without_containerd_the_first_error_is_kept_and_the_lease_left_to_expire(
    client: Containerd, any_containerd: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        with caplog.at_level(logging.WARNING), pytest.raises(RuntimeError, match="first"):
            async with client.leases.hold():
                any_containerd.kill()
                raise RuntimeError("first")
    finally:
        await asyncio.to_thread(any_containerd.start)
    assert "is left to its expiry: cannot reach containerd" in caplog.text
    await client.wait_until_serving(5)
    assert all(EXPIRE in lease.labels for lease in await client.leases.list())
