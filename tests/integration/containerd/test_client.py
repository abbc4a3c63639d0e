"""Connecting, losing containerd, finding it again, closing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from runner import trace
from runner.containerd.client import Containerd
from runner.containerd.containers import Container, Runtime
from runner.containerd.errors import MAX_MESSAGE_SIZE
from runner.containerd.runc import RUNTIME
from runner.types.errors import InvalidParameter, NotFound, Unavailable
from tests.support.relay import slow_relay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.containerd.conftest import Workload
    from tests.support.containerd import Containerd as Daemon


@pytest.mark.parametrize("prefix", ["", "unix://"])
async def test_an_address_is_a_path_or_a_url(any_containerd: Daemon, prefix: str) -> None:
    async with Containerd(f"{prefix}{any_containerd.address}", "test") as client:
        assert await client.version.version()


async def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    async with Containerd(str(tmp_path / "none.sock"), "test") as client:
        with pytest.raises(Unavailable) as caught:
            await client.version.version()
    assert str(caught.value) == (
        f"cannot reach containerd at {tmp_path}/none.sock: No such file or directory;"
        " is it running?"
    )


async def test_waiting_for_a_containerd_that_does_not_come_says_what_to_do(tmp_path: Path) -> None:
    async with Containerd(str(tmp_path / "none.sock"), "test") as client:
        with pytest.raises(Unavailable, match="systemctl start containerd"):
            await client.wait_until_serving(0.2)


async def test_a_containerd_that_takes_its_time_is_waited_for(
    any_containerd: Daemon, tmp_path: Path
) -> None:
    """As on a machine with much else to do: to take the connection and for each answer."""
    async with (
        slow_relay(tmp_path / "slow.sock", any_containerd.address, seconds=1.2),
        Containerd(str(tmp_path / "slow.sock"), "test") as client,
    ):
        await client.wait_until_serving(20)


async def test_containerd_killed_and_started_again(
    client: Containerd, any_containerd: Daemon
) -> None:
    assert await client.version.version()
    any_containerd.kill()
    try:
        with pytest.raises(Unavailable, match="is it running"):
            await client.version.version()
    finally:
        await asyncio.to_thread(any_containerd.start)
    started = time.monotonic()
    await client.wait_until_serving(5)
    assert time.monotonic() - started < 1


async def test_a_wait_fails_when_containerd_dies_and_can_be_asked_again(
    client: Containerd, any_containerd: Daemon, workload: Workload
) -> None:
    box = await workload.running("sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done")
    waiting = asyncio.create_task(client.tasks.wait(box))
    subscription = client.events.subscribe()
    listening = asyncio.create_task(anext(subscription))
    await asyncio.sleep(0.1)
    any_containerd.kill()
    try:
        for task in (waiting, listening):
            with pytest.raises(Unavailable):
                await task
    finally:
        await asyncio.to_thread(any_containerd.start)
    await client.wait_until_serving(5)
    again = asyncio.create_task(client.tasks.wait(box))
    await client.tasks.kill(box, 15)
    assert (await again).status == 7


async def test_closing_ends_pending_calls_with_an_error_not_a_cancellation(
    any_containerd: Daemon,
) -> None:
    client = Containerd(str(any_containerd.address), "test")
    await client.wait_until_serving(5)
    listening = asyncio.create_task(anext(client.events.subscribe()))
    await asyncio.sleep(0.05)
    await client.aclose()
    with pytest.raises(Unavailable, match="is closed"):
        await listening
    with pytest.raises(Unavailable, match="is closed"):
        await client.version.version()
    with pytest.raises(Unavailable, match="is closed"):
        client.events.subscribe()
    with pytest.raises(Unavailable, match="is closed"):
        await client.content.write_blob(b"")
    await client.aclose()


async def test_cancellation_passes_through(client: Containerd, workload: Workload) -> None:
    box = await workload.running("sleep", "60")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.tasks.wait(box)


async def test_a_large_spec_passes_and_one_too_large_says_so(client: Containerd) -> None:
    def container(size: int) -> Container:
        return Container("big", Runtime(RUNTIME), b" " * size)

    with pytest.raises(InvalidParameter, match="message too large"):
        await client.containers.create(container(MAX_MESSAGE_SIZE))
    await client.containers.create(container(MAX_MESSAGE_SIZE - 4096))
    assert len((await client.containers.get("big")).spec) == MAX_MESSAGE_SIZE - 4096


async def test_every_call_is_a_step_of_the_trace(client: Containerd) -> None:
    steps: list[trace.Step] = []
    with trace.listening(steps.append):
        await client.version.version()
        with pytest.raises(NotFound):
            await client.containers.get("none")
        [info async for info in client.content.list()]
    assert [step.name for step in steps] == [
        "containerd.services.version.v1.Version/Version",
        "containerd.services.containers.v1.Containers/Get",
        "containerd.services.content.v1.Content/List",
    ]
    assert isinstance(steps[1].error, NotFound)
