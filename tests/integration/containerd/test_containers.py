"""Container records."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner.containerd.containers import Container, Runtime
from runner.containerd.runc import RUNTIME, RuncOptions
from runner.containerd.values import Encoded
from runner.types.errors import AlreadyExists, InvalidParameter, NotFound

if TYPE_CHECKING:
    from runner.containerd.client import Containerd
    from tests.integration.containerd.conftest import Workload

FULL = Container(
    "full",
    Runtime(RUNTIME, RuncOptions(binary_name="/usr/sbin/runc", systemd_cgroup=True, io_uid=7)),
    b'{"ociVersion": "1.0.2"}',
    image="docker.io/library/busybox:latest",
    labels={"a": "1", "b/c.d": "two"},
    snapshotter="overlayfs",
    snapshot_key="full",
    extensions={"ours": Encoded("example.com/ours", b"{}")},
)


async def test_what_is_created_is_what_is_found(client: Containerd) -> None:
    created = await client.containers.create(FULL)
    found = await client.containers.get("full")
    assert found == created
    assert (
        dataclasses.replace(found, created_at=FULL.created_at, updated_at=FULL.updated_at) == FULL
    )
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_another_shims_options_stay_encoded(client: Containerd) -> None:
    runtime = Runtime("io.containerd.kata.v2", Encoded("kata.Options", b"\x08\x01"))
    await client.containers.create(dataclasses.replace(FULL, runtime=runtime))
    assert (await client.containers.get("full")).runtime == runtime


async def test_list_is_in_one_namespace_and_takes_filters(client: Containerd) -> None:
    for name in ("one", "two"):
        await client.containers.create(dataclasses.replace(FULL, id=name, labels={"name": name}))
    assert {container.id for container in await client.containers.list()} == {"one", "two"}
    assert [container.id for container in await client.containers.list("labels.name==two")] == [
        "two"
    ]


async def test_more_containers_than_one_message_holds_are_listed(client: Containerd) -> None:
    for number in range(5):
        container = Container(f"big-{number}", Runtime(RUNTIME), b" " * (4 << 20))
        await client.containers.create(container)
    assert len(await client.containers.list()) == 5


async def test_update_changes_the_fields_named(client: Containerd) -> None:
    await client.containers.create(FULL)
    changed = dataclasses.replace(FULL, labels={"a": "2"}, image="other")
    updated = await client.containers.update(changed, "labels.a")
    assert (updated.labels, updated.image) == ({"a": "2", "b/c.d": "two"}, FULL.image)
    assert (await client.containers.update(changed, "labels")).labels == {"a": "2"}


async def test_an_id_is_taken_once(client: Containerd) -> None:
    await client.containers.create(FULL)
    with pytest.raises(AlreadyExists, match="already exists"):
        await client.containers.create(FULL)


async def test_missing_ones(client: Containerd) -> None:
    for call in (client.containers.get("none"), client.containers.delete("none")):
        with pytest.raises(NotFound, match=r'container "none" in namespace "test-.*": not found'):
            await call


@pytest.mark.parametrize("container_id", ["", "a b", "../up", "x" * 77])
async def test_bad_ids(client: Containerd, container_id: str) -> None:
    with pytest.raises(InvalidParameter):
        await client.containers.create(dataclasses.replace(FULL, id=container_id))


async def test_deleting_the_record_loses_a_running_task_until_it_is_made_again(
    client: Containerd, workload: Workload
) -> None:
    box = await workload.running("sleep", "60")
    await client.containers.delete(box)
    with pytest.raises(NotFound):
        await client.tasks.kill(box, 9)
    with pytest.raises(NotFound):
        await client.tasks.delete(box)
    await workload.record("sleep", "60", container_id=box)
    assert (await client.tasks.force_delete(box)).status == 137


async def test_the_conflict_protocol_of_a_stale_container(
    client: Containerd, workload: Workload
) -> None:
    """AlreadyExists, kill and delete the task, delete the record, create once more."""
    box = await workload.running("sleep", "60")
    with pytest.raises(AlreadyExists):
        await workload.record("sleep", "60", container_id=box)
    await client.tasks.force_delete(box)
    await client.containers.delete(box)
    await workload.record("sleep", "60", container_id=box)
