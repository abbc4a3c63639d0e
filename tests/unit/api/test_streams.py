"""wait, logs, events, progress: answers that begin before they end."""

from __future__ import annotations

import asyncio
import io
import json
import re
import tempfile
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.api import images, streams
from runner.api.app import make_app
from runner.api.hijack import frame
from runner.api.server import listen, serving
from runner.engine.events import Events
from runner.engine.logs import LogStream
from runner.logs import Message
from runner.trace.recordings import Recordings
from runner.types.container import WaitError, WaitResponse
from runner.types.errors import NotFound, RunnerError, System
from runner.types.image import ProgressMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from tests.unit.api.conftest import Api


class Waiter:
    """A wait in the hands of the test."""

    def __init__(self) -> None:
        self.done: asyncio.Future[WaitResponse] = asyncio.get_running_loop().create_future()
        self.freed = asyncio.Event()

    async def result(self) -> WaitResponse:
        try:
            return await self.done
        finally:
            self.freed.set()


@pytest.fixture
async def waiter(monkeypatch: pytest.MonkeyPatch) -> Waiter:
    waiter = Waiter()

    async def wait(_engine: Any, name: str, condition: str) -> Waiter:
        if name != "web":
            raise NotFound(f"No such container: {name}")
        assert condition in ("", "removed")
        return waiter

    monkeypatch.setattr(streams, "container_wait", wait)
    return waiter


async def test_wait_sends_its_header_at_once(api: Api, waiter: Waiter) -> None:
    async with (
        asyncio.timeout(5),
        api.http.post("http://x/containers/web/wait?condition=removed") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json"
        waiter.done.set_result(WaitResponse(status_code=3))
        assert await answer.read() == b'{"StatusCode":3}\n'


async def test_wait_tells_an_error(api: Api, waiter: Waiter) -> None:
    waiter.done.set_result(WaitResponse(status_code=127, error=WaitError(message="no such file")))
    reply = await api.ask("POST", "/containers/web/wait")
    assert reply.json() == {"StatusCode": 127, "Error": {"Message": "no such file"}}
    assert (await api.ask("POST", "/v1.33/containers/web/wait?condition=removed")).body == b""


async def test_wait_for_nothing_is_an_error_status(api: Api, waiter: Waiter) -> None:
    assert (await api.ask("POST", "/containers/nope/wait")).status == 404


async def test_a_client_that_goes_frees_its_wait(api: Api, waiter: Waiter) -> None:
    reader, writer = await api.raw(b"POST /containers/web/wait HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    async with asyncio.timeout(5):
        await waiter.freed.wait()


MESSAGES = [
    Message(b"out\n", "stdout", 1_000_000_001, attrs={"b": "2 &", "a": "1"}),
    Message(b"err\n", "stderr", 2_000_000_000),
]


def give_logs(monkeypatch: pytest.MonkeyPatch, *, tty: bool, fails: bool = False) -> list[Any]:
    asked: list[Any] = []

    async def blocks() -> AsyncGenerator[list[Message], None]:
        yield MESSAGES
        if fails:
            raise RunnerError("disk gone")

    async def logs(_engine: Any, name: str, request: Any) -> Any:
        asked.append((name, request))
        return LogStream(tty, blocks(), own=None)

    monkeypatch.setattr(streams, "container_logs", logs)
    return asked


async def test_logs_are_framed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = give_logs(monkeypatch, tty=False)
    reply = await api.ask("GET", "/containers/web/logs?stdout=1&stderr=1&tail=5&since=1&follow=1")
    assert reply.body == frame(1, b"out\n") + frame(2, b"err\n")
    assert reply.headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    name, request = asked[0]
    assert (name, request.tail, request.since, request.follow) == ("web", "5", "1", True)
    reply = await api.ask("GET", "/v1.41/containers/web/logs?stdout=1")
    assert reply.headers["Content-Type"] == "application/vnd.docker.raw-stream"


async def test_logs_of_a_terminal_with_all_that_can_be_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_logs(monkeypatch, tty=True)
    reply = await api.ask("GET", "/containers/web/logs?stdout=1&timestamps=1&details=1")
    assert reply.body == (
        b"1970-01-01T00:00:01.000000001Z a=1,b=2+%26 out\n1970-01-01T00:00:02.000000000Z  err\n"
    )


async def test_an_error_in_the_midst_of_logs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    give_logs(monkeypatch, tty=False, fails=True)
    reply = await api.ask("GET", "/containers/web/logs?stdout=1")
    assert reply.status == 200
    assert reply.body.endswith(frame(3, b"Error grabbing logs: disk gone\n"))


async def test_an_answer_that_cannot_be_finished_is_broken_off(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        async def result(self) -> WaitResponse:
            raise ZeroDivisionError

    async def wait(*_: Any) -> Broken:
        return Broken()

    monkeypatch.setattr(streams, "container_wait", wait)
    reader, writer = await api.raw(b"POST /containers/web/wait HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")  # neither a body nor the end of one
    writer.close()


async def test_the_engine_s_end_ends_the_streams(waiter: Waiter) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/api.sock"
        listeners = listen([f"unix://{path}"])
        engine: Any = SimpleNamespace(recordings=Recordings())
        async with serving(make_app(engine), listeners, shutdown_timeout=30):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"POST /containers/web/wait HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            leaving = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - leaving < 5
        assert await reader.read() == b""
        writer.close()
        for listener in listeners:
            listener.close()
    assert waiter.freed.is_set()


async def test_logs_of_no_stream(api: Api) -> None:
    reply = await api.ask("GET", "/containers/web/logs")
    assert (reply.status, reply.json()) == (
        400,
        {"message": "Bad parameters: you must choose at least one stream"},
    )


@pytest.fixture
def engine_events(api: Api) -> Events:
    api.engine.events = Events()
    return api.engine.events


async def test_events(api: Api, engine_events: Events) -> None:
    engine_events.publish("container", "create", "abc", {"image": "demo"})
    query = "since=5&filters=%7B%22container%22%3A%5B%22ab%22%5D%7D"
    async with api.http.get(f"http://x/v1.45/events?{query}") as answer:
        assert answer.status == 200
        assert engine_events.listeners == 1
        engine_events.publish("image", "create", "abc", {})
        engine_events.publish("container", "die", "other", {})
        engine_events.publish("container", "die", "abc", {"image": "demo", "exitCode": "0"})
        lines = [await answer.content.readline() for _ in range(2)]
    assert [json.loads(line)["Action"] for line in lines] == ["create", "die"]
    assert re.sub(rb":\d+", b":N", lines[1]) == (
        b'{"status":"die","id":"abc","from":"demo","Type":"container","Action":"die",'
        b'"Actor":{"ID":"abc","Attributes":{"exitCode":"0","image":"demo"}},"scope":"local",'
        b'"time":N,"timeNano":N}\n'
    )
    async with asyncio.timeout(5):
        while engine_events.listeners:
            await asyncio.sleep(0.01)


async def test_events_are_not_kept_for_who_does_not_read(api: Api, engine_events: Events) -> None:
    _, deaf = await api.raw(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        while not engine_events.listeners:
            await asyncio.sleep(0.01)
    tracemalloc.start()
    for number in range(10_000):
        engine_events.publish("container", "die", "abc", {"label": f"{number:1000}"})
        await asyncio.sleep(0)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 4 << 20  # all of them are 10 MB and more
    deaf.close()
    async with asyncio.timeout(5):
        while engine_events.listeners:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("span", ["since=10m", "until=2026-01-01T00:00:00Z", "since=5."])
async def test_only_unix_times_go_over_the_wire(api: Api, engine_events: Events, span: str) -> None:
    reply = await api.ask("GET", f"/events?{span}")
    assert reply.status == 500
    assert reply.json()["message"].startswith("strconv.ParseInt: parsing ")


async def test_events_end_after_they_begin(api: Api) -> None:
    reply = await api.ask("GET", "/events?since=5&until=1")
    text = "`since` time (5) cannot be after `until` time (1)"
    assert (reply.status, reply.json()) == (400, {"message": text})


async def test_pull_streams_its_progress(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Any] = []

    async def pull(_engine: Any, ref: Any, platform: Any, credentials: Any, tell: Any) -> None:
        got.extend((str(ref), platform, credentials.username))
        tell(ProgressMessage(status="Pulling from library/demo", id="latest"))
        raise System("registry fell over <here>")

    monkeypatch.setattr(images, "image_pull", pull)
    headers = {"X-Registry-Auth": "eyJ1c2VybmFtZSI6ICJtZSJ9"}
    reply = await api.ask("POST", "/images/create?fromImage=demo&tag=latest", headers=headers)
    assert got == ["docker.io/library/demo:latest", None, "me"]
    assert reply.status == 200
    assert reply.body == (
        b'{"status":"Pulling from library/demo","id":"latest"}\r\n'
        b'{"errorDetail":{"message":"registry fell over <here>"},'
        b'"error":"registry fell over <here>"}\r\n'
    )


async def test_an_error_before_the_first_message_is_a_status(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pull(*_: Any) -> None:
        raise NotFound("pull access denied for x")

    monkeypatch.setattr(images, "image_pull", pull)
    reply = await api.ask("POST", "/images/create?fromImage=x")
    assert (reply.status, reply.json()) == (404, {"message": "pull access denied for x"})


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        (
            "fromImage=UPPER",
            400,
            "invalid reference format: repository name (library/UPPER) must be lowercase",
        ),
        ("fromImage=scratch", 403, "'scratch' is a reserved name"),
        ("fromImage=demo&tag=sha256:abc", 400, "invalid tag format"),
        (
            "fromImage=x&platform=a/b/c/d",
            400,
            '"a/b/c/d": cannot parse platform specifier: invalid argument',
        ),
    ],
)
async def test_bad_pulls(api: Api, query: str, status: int, text: str) -> None:
    reply = await api.ask("POST", f"/images/create?{query}")
    assert (reply.status, reply.json()) == (status, {"message": text})


async def test_load_streams_the_body_and_tells_every_error_in_band(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    async def load(_engine: Any, stream: AsyncIterator[bytes], platform: Any, tell: Any) -> None:
        assert platform is None
        sizes.append(sum([len(chunk) async for chunk in stream]))
        if not sizes[-1]:
            raise RunnerError("unrecognized image format")
        tell(ProgressMessage(stream="Loaded image: demo\n"))

    monkeypatch.setattr(images, "image_load", load)
    reply = await api.ask("POST", "/images/load?quiet=0", data=io.BytesIO(b"x" * 3_000_000))
    assert (reply.status, reply.body) == (200, b'{"stream":"Loaded image: demo\\n"}\r\n')
    assert sizes == [3_000_000]
    reply = await api.ask("POST", "/images/load")
    assert reply.status == 200
    assert reply.json()["error"] == "unrecognized image format"


async def test_import(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def import_(
        _engine: Any, stream: Any, ref: Any, changes: list[str], message: str, platform: Any
    ) -> str:
        assert [chunk async for chunk in stream] == [b"tar"]
        assert (str(ref), changes, message) == (
            "docker.io/library/demo:latest",
            ["CMD sh", "ENV a=b"],
            "Imported from -",
        )
        return "sha256:abc"

    monkeypatch.setattr(images, "image_import", import_)
    query = "fromSrc=-&repo=demo&changes=CMD+sh&changes=ENV+a%3Db"
    reply = await api.ask("POST", f"/images/create?{query}", data=b"tar")
    assert reply.body == b'{"status":"sha256:abc"}\r\n'


async def test_names_with_slashes_and_colons(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def inspect(_engine: Any, name: str, _platform: Any, **_: Any) -> None:
        asked.append(name)
        raise NotFound(f"No such image: {name}")

    monkeypatch.setattr(images, "image_inspect", inspect)
    for name in ("localhost:5000/a/b:tag", "a%2Fb:c", "demo@sha256:abc"):
        assert (await api.ask("GET", f"/v1.51/images/{name}/json")).status == 404
    assert asked == ["localhost:5000/a/b:tag", "a/b:c", "demo@sha256:abc"]
