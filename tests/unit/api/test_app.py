"""Versions, routes, headers, errors: what is the same for every request. Texts as dockerd's."""

from __future__ import annotations

import asyncio
import errno
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner import __version__
from runner.api import body, containers, images, logsetup, streams, system, volumes
from runner.api.errors import error_response, message_of, report, status_of
from runner.types import errors
from runner.types.system import Info, Version

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call
    from tests.unit.api.conftest import Api


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("GET", "/v1.51/nope"),
        ("DELETE", "/_ping"),
        ("POST", "/containers/json"),
        ("GET", "/v1.x/_ping"),
        ("GET", "/"),
    ],
)
async def test_unknown_path_or_method(api: Api, method: str, path: str) -> None:
    reply = await api.ask(method, path)
    assert (reply.status, reply.body) == (404, b'{"message":"page not found"}\n')
    assert reply.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (
            "1.52",
            (
                b'{"message":"client version 1.52 is too new. '
                b'Maximum supported API version is 1.51"}\n'
            ),
        ),
        (
            "1." + "9" * 5000,
            (
                b'{"message":"client version 1.' + b"9" * 5000 + b" is too new. "
                b'Maximum supported API version is 1.51"}\n'
            ),
        ),
        (
            "1.23",
            (
                b"client version 1.23 is too old. Minimum supported API version is 1.24, "
                b"please upgrade your client to a newer version\n"
            ),
        ),
        (
            "..1",
            (
                b"client version ..1 is too old. Minimum supported API version is 1.24, "
                b"please upgrade your client to a newer version\n"
            ),
        ),
    ],
)
async def test_versions_that_are_not_served(api: Api, version: str, text: bytes) -> None:
    reply = await api.ask("GET", f"/v{version}/_ping")
    assert (reply.status, reply.body) == (400, text)
    assert reply.headers["Api-Version"] == "1.51"


@pytest.mark.parametrize("prefix", ["", "/v1.24", "/v1.51", "/v1.30.0"])
async def test_ping(api: Api, prefix: str) -> None:
    reply = await api.ask("GET", f"{prefix}/_ping")
    assert (reply.status, reply.body) == (200, b"OK")
    expected = {
        "Api-Version": "1.51",
        "Ostype": "linux",
        "Docker-Experimental": "false",
        "Swarm": "inactive",
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Pragma": "no-cache",
        "Content-Type": "text/plain; charset=utf-8",
        "Server": f"runner/{__version__} (linux)",
    }
    assert expected.items() <= reply.headers.items()
    head = await api.ask("HEAD", f"{prefix}/_ping")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "0")


async def test_options(api: Api) -> None:
    reply = await api.ask("OPTIONS", "/what/ever")
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("query", "text"),
    [("a;b", "invalid semicolon separator in query"), ("a=%zz", r"invalid URL escape \"%zz\"")],
)
async def test_queries_that_go_refuses(api: Api, query: str, text: str) -> None:
    reply = await api.ask("GET", f"/containers/json?{query}")
    assert (reply.status, reply.body.decode()) == (400, f'{{"message":"{text}"}}\n')


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.NotFound, 404),
        (errors.InvalidParameter, 400),
        (errors.FailedPrecondition, 400),
        (errors.Conflict, 409),
        (errors.AlreadyExists, 409),
        (errors.Unauthorized, 401),
        (errors.Forbidden, 403),
        (errors.NotModified, 304),
        (errors.NotImplementedYet, 501),
        (errors.Unavailable, 503),
        (errors.Cancelled, 500),
        (errors.DeadlineExceeded, 500),
        (errors.DataLoss, 500),
        (errors.System, 500),
        (errors.NoSpace, 500),
        (errors.RunnerError, 500),
    ],
)
def test_each_error_class_has_a_status(kind: type[errors.RunnerError], status: int) -> None:
    assert status_of(kind("x")) == status


def test_what_the_machine_has_run_out_of_is_said(caplog: pytest.LogCaptureFixture) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    report(error, "POST /containers/create")
    assert message_of(error) == "/data/x: no space left on device"
    assert "Traceback" not in caplog.text
    assert "/data/x: no space left on device" in caplog.text


def test_the_table_knows_every_class() -> None:
    def below(kind: type[errors.RunnerError]) -> set[type[errors.RunnerError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {kind for kind in below(errors.RunnerError) if kind.__module__ == errors.__name__}
    assert len(ours) == 16


def test_messages_are_not_escaped_for_html() -> None:
    body = error_response(errors.Conflict('a <b> & "c"')).body
    assert body == b'{"message":"a <b> & \\"c\\""}\n'


async def test_what_nobody_foresaw_is_a_500_without_traceback(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(containers, "container_start", broken)
    with caplog.at_level(logging.ERROR):
        reply = await api.ask("POST", "/containers/x/start")
    assert reply.status == 500
    assert reply.json() == {"message": "internal error: ZeroDivisionError: oops"}
    assert caplog.records[0].exc_info


async def test_not_modified_has_no_body(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def running(*_: Any) -> None:
        raise errors.NotModified("container is already running")

    monkeypatch.setattr(containers, "container_start", running)
    reply = await api.ask("POST", "/containers/x/start")
    assert (reply.status, reply.body) == (304, b"")


async def test_a_verb_goes_on_without_its_client(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> None:
        started.set()
        await go.wait()
        done.set()

    monkeypatch.setattr(containers, "container_start", slow)
    _, writer = await api.raw(b"POST /containers/x/start HTTP/1.1\r\nHost: x\r\n\r\n")
    await started.wait()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.02)
    go.set()
    async with asyncio.timeout(2):
        await done.wait()


@pytest.mark.parametrize(
    ("version", "there", "gone"),
    [
        ("1.51", {"Containerd", "FirewallBackend"}, {"KernelMemory", "BridgeNfIptables"}),
        ("1.48", {"Containerd", "BridgeNfIptables"}, {"FirewallBackend"}),
        ("1.41", {"KernelMemory", "BridgeNfIp6tables"}, {"Containerd", "FirewallBackend"}),
    ],
)
async def test_info_is_of_the_client_s_version(
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    there: set[str],
    gone: set[str],
) -> None:
    from runner.types.system import Commit, ContainerdInfo, FirewallInfo

    async def told(_: Any) -> Info:
        return Info(
            id="x",
            kernel_memory=True,
            containerd=ContainerdInfo(),
            firewall_backend=FirewallInfo(driver="iptables"),
            runc_commit=Commit(id="abc"),
            security_options=["name=seccomp,profile=builtin"],
        )

    monkeypatch.setattr(system, "system_info", told)
    answer = (await api.ask("GET", f"/v{version}/info")).json()
    assert there <= answer.keys()
    assert not gone & answer.keys()
    assert ("Expected" in answer["RuncCommit"]) == (version != "1.51")


async def test_version(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(_: Any) -> Version:
        return Version(version="1", api_version="1.51", min_api_version="1.24")

    monkeypatch.setattr(system, "system_version", told)
    reply = await api.ask("GET", "/version")
    assert reply.body.endswith(b"\n")
    assert reply.json()["ApiVersion"] == "1.51"
    assert reply.json()["MinAPIVersion"] == "1.24"


def test_every_route_is_there_once() -> None:
    from runner.api.app import ROUTES

    keys = [(route.method, route.path) for route in ROUTES]
    assert len(keys) == len(set(keys))
    assert {route.handler.__module__ for route in ROUTES} >= {
        module.__name__ for module in (containers, images, streams, system)
    }


async def test_a_client_that_goes_away_is_no_error(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    began, done = asyncio.Event(), asyncio.Event()

    async def half_read(request: web.BaseRequest, _: Any) -> None:
        began.set()
        try:
            await body.read_limited(request, 100)
        finally:
            done.set()

    monkeypatch.setattr(volumes, "read_json", half_read)
    head = b"POST /volumes/create HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    _, writer = await api.raw(head)
    async with asyncio.timeout(5):
        await began.wait()
        writer.close()
        await done.wait()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_an_attach_whose_client_has_gone_is_no_error(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def attach(*_: Any) -> Any:
        return SimpleNamespace(tty=False)

    def gone(call: Call, **_: Any) -> bytes:
        assert call.request.transport is not None
        call.request.transport.close()
        raise ConnectionResetError("the client has gone")

    monkeypatch.setattr(streams, "container_attach", attach)
    monkeypatch.setattr(streams, "upgrade_head", gone)
    reader, writer = await api.raw(b"POST /containers/x/attach HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    assert caplog.records == []


@pytest.mark.parametrize("head", [b"\x16\x03\x01\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http_is_refused_without_a_traceback(
    api: Api, head: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    before = logging.getLogger().handlers[:]
    logsetup.set_up_logging("info", "text")
    try:
        reader, writer = await api.raw(head)
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
    finally:
        logging.getLogger().handlers[:] = before
    assert capsys.readouterr().err == ""


async def test_queries_may_be_long(api: Api) -> None:
    long = b"x" * 500_000
    reader, writer = await api.raw(b"GET /_ping?a=" + long + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"200"
    writer.close()


async def test_bytes_that_are_no_text_come_back_as_question_marks(api: Api) -> None:
    reader, writer = await api.raw(
        b"POST /volumes/create HTTP/1.1\r\nHost: x\r\nContent-Type: a\x93/b\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "malformed Content-Type header (a\ufffd/b)" in answer.decode()
