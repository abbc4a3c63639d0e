"""The engine's log: both formats, and the container that a line is about."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from runner import trace
from runner.api import logsetup
from runner.engine.container import ContainerLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Lines = Callable[[], list[dict[str, str]]]

ID, OTHER = "ab" * 32, "cd" * 32

log = logging.getLogger("runner.engine.test")


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """What has been logged so far, as fields, in either format."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logsetup.set_up_logging("debug", request.param)
    stream = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    parse = json.loads if request.param == "json" else text_fields
    yield lambda: [parse(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


def text_fields(line: str) -> dict[str, str]:
    pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)
    return {key: json.loads(value) if value[0] == '"' else value for key, value in pairs}


def test_a_line(lines: Lines) -> None:
    log.warning('a "word"')
    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert line == {"level": "warning", "module": "engine.test", "msg": 'a "word"'}


def test_a_container_named_by_who_logs(lines: Lines) -> None:
    log.info("it has ended", extra={"container": ID})
    with trace.about(OTHER):
        log.info("it has ended", extra={"container": ID})
    assert [line["container"] for line in lines()] == [ID, ID]


def test_a_container_named_in_the_message(lines: Lines) -> None:
    log.info("sweep up after %s failed", ID)
    log.info("nothing of that length: %s", ID[:-1])
    assert [line.get("container") for line in lines()] == [ID, None]


async def test_the_container_whose_lock_is_held(
    lines: Lines,
) -> None:
    async def begun_inside() -> None:
        await released.wait()
        await asyncio.to_thread(log.info, "in a thread")

    async def other() -> None:
        async with ContainerLock(OTHER):
            await asyncio.sleep(0)
            log.info("other")

    released = asyncio.Event()
    async with ContainerLock(ID):
        task = asyncio.create_task(begun_inside())
        await asyncio.create_task(other())
        log.info("inside")
    log.info("outside")
    released.set()
    await task
    found = {line["msg"]: line.get("container") for line in lines()}
    assert found == {"other": OTHER, "inside": ID, "outside": None, "in a thread": ID}


def test_what_clients_do_to_their_connections_is_not_told(lines: Lines) -> None:
    server = logging.getLogger("aiohttp.server")
    for error in (ConnectionResetError("gone"), BadHttpMessage("no HTTP"), ValueError("told")):
        server.error("Error handling request", exc_info=error)
    told = [line["level"] for line in lines() if "level" in line]  # its traceback has lines too
    assert told == ["error"]
