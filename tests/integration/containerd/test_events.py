"""Events, typed, of the namespaces and topics asked for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from runner.containerd import events
from runner.containerd.images import Image
from runner.containerd.values import Encoded
from runner.types.errors import InvalidParameter
from runner.types.image import Descriptor
from tests.integration.containerd.conftest import process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.containerd.client import Containerd
    from tests.integration.containerd.conftest import Workload


class Recorder:
    """What a subscription delivers, up to the event that a test waits for."""

    def __init__(self, stream: AsyncIterator[events.Envelope]) -> None:
        self._stream = stream
        self.envelopes: list[events.Envelope] = []

    async def until(self, kind: type[events.Event | Encoded]) -> list[events.Event | Encoded]:
        async with asyncio.timeout(10):
            async for envelope in self._stream:
                self.envelopes.append(envelope)
                if isinstance(envelope.event, kind):
                    break
        return [envelope.event for envelope in self.envelopes]


async def subscribed(client: Containerd, *filters: str) -> Recorder:
    """To events of the client's namespace that all filters match.

    containerd does not acknowledge a subscription; it is made in the call's first moments.
    """
    own = f"namespace=={client.namespace}"
    recorder = Recorder(client.events.subscribe(",".join((own, *filters))))
    await asyncio.sleep(0.5)  # of a busy machine's
    return recorder


async def test_the_events_of_a_tasks_life(client: Containerd, workload: Workload) -> None:
    recorder = await subscribed(client, "topic~=|^/tasks/|")
    box = await workload.created("sh", "-c", "exit 3")
    pid = await client.tasks.start(box)
    ended = await client.tasks.wait(box)
    create, start, end = await recorder.until(events.TaskExit)
    assert isinstance(create, events.TaskCreate)
    assert (create.container_id, create.pid, bool(create.bundle)) == (box, pid, True)
    assert start == events.TaskStart(box, pid)
    assert end == events.TaskExit(box, box, pid, 3, ended.exited_at)
    first = recorder.envelopes[0]
    assert (first.namespace, first.topic) == (client.namespace, "/tasks/create")
    times = [envelope.timestamp for envelope in recorder.envelopes]
    assert times == sorted(times)


async def test_the_events_of_exec_and_pause(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    recorder = await subscribed(client)
    await client.tasks.exec(box, "x", json.dumps(process(["/bin/busybox", "true"])).encode())
    pid = await client.tasks.start(box, "x")
    exited = await client.tasks.wait(box, "x")
    await recorder.until(events.TaskExit)
    await client.tasks.pause(box)
    await client.tasks.resume(box)
    assert await recorder.until(events.TaskResumed) == [
        events.TaskExecAdded(box, "x"),
        events.TaskExecStarted(box, "x", pid),
        events.TaskExit(box, "x", pid, 0, exited.exited_at),
        events.TaskPaused(box),
        events.TaskResumed(box),
    ]


async def test_containers_and_images(client: Containerd, workload: Workload) -> None:
    recorder = await subscribed(client, "topic~=/(containers|images)/")
    box = await workload.record("true")
    await client.containers.delete(box)
    await client.images.create(Image("name", Descriptor("a/b", f"sha256:{'1' * 64}", 1)))
    await client.images.delete("name")
    assert await recorder.until(events.ImageDelete) == [
        events.ContainerCreate(box, ""),
        events.ContainerDelete(box),
        events.ImageCreate("name"),
        events.ImageDelete("name"),
    ]


async def test_an_event_unknown_to_us_stays_encoded(client: Containerd) -> None:
    recorder = await subscribed(client, "topic~=/snapshot/")
    await client.snapshots().prepare("key")
    (event,) = await recorder.until(Encoded)
    assert isinstance(event, Encoded)
    assert event.type_url.endswith("containerd.events.SnapshotPrepare")
    assert b"key" in event.value


async def test_a_bad_filter(client: Containerd) -> None:
    with pytest.raises(InvalidParameter):
        await anext(client.events.subscribe("=="))
