"""Clients on a container's streams: who hears what, and when it is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from runner.engine.attach import Attachment, AttachRequest
from runner.engine.container import Container, ContainerRecord
from runner.engine.events import Events
from runner.engine.stdio import STDOUT
from runner.types.container import Config, HostConfig

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = AttachRequest(stdin=True, stdout=True, stderr=True, stream=True, logs=False)


class OnlyEvents:
    """All of an engine that attaching needs here."""

    def __init__(self) -> None:
        self.events = Events()


class SlowClient:
    """Says `y` for ever, and takes its time to read."""

    def __init__(self) -> None:
        self.received = b""

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        return b"y\n"

    async def write(self, stream: int, data: bytes) -> None:
        await asyncio.sleep(0.01)
        self.received += data


@pytest.fixture
def container(tmp_path: Path) -> Container:
    record = ContainerRecord(
        id="abc1" + "0" * 60,
        name="web",
        created="2026-01-02T03:04:05Z",
        path="sh",
        args=[],
        config=Config(image="busybox", open_stdin=True, stdin_once=True),
        host_config=HostConfig(),
        image_id="sha256:1",
        image_name="docker.io/library/busybox:latest",
        image_manifest=None,
        driver="overlayfs",
        platform="linux",
    )
    return Container(record, tmp_path, tmp_path)


async def test_the_rest_of_the_output_comes_although_nobody_takes_the_input_any_more(
    container: Container,
) -> None:
    attachment = Attachment(OnlyEvents(), container, EVERYTHING, b"")  # type: ignore[arg-type]
    (output,) = container.streams._subscriptions
    for _ in range(20):
        output.feed(STDOUT, b"x")
    client = SlowClient()
    attached = asyncio.create_task(attachment.run(client))
    await container.reset()  # the container has ended
    await asyncio.wait_for(attached, 5)
    assert client.received == b"x" * 20
