"""Requests and answers over a real socket: versions, errors, broken servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.client import containers, http
from runner.client.address import parse_host
from runner.client.client import EngineClient
from runner.client.errors import (
    ClientError,
    ConnectionFailed,
    RouteMissing,
    UnexpectedAnswer,
    from_response,
)
from runner.types import errors
from tests.unit.client.support import Script, answer

if TYPE_CHECKING:
    from pathlib import Path

TOO_NEW = b'{"message":"client version 1.51 is too new. Maximum supported API version is 1.47"}'


def test_the_newest_version_is_assumed_without_a_ping(tmp_path: Path) -> None:
    with Script(tmp_path, answer("200 OK", b"[]")) as script:
        assert EngineClient(script.host).json("GET", "/containers/json") == []
    assert script.received[0].startswith(b"GET /v1.51/containers/json HTTP/1.1\r\n")


def test_an_older_engine_is_asked_again_in_its_own_version(tmp_path: Path) -> None:
    refusal = answer("400 Bad Request", TOO_NEW, "Api-Version: 1.47")
    with Script(tmp_path, refusal, answer("200 OK", b"[]")) as script:
        client = EngineClient(script.host)
        assert client.json("GET", "/containers/json") == []
    assert client.version == "1.47"
    assert script.received[1].startswith(b"GET /v1.47/")


def test_an_engine_that_is_too_old_is_refused(tmp_path: Path) -> None:
    refusal = answer("400 Bad Request", TOO_NEW, "Api-Version: 1.41")
    with Script(tmp_path, refusal) as script, pytest.raises(ClientError) as caught:
        EngineClient(script.host).json("GET", "/containers/json")
    assert str(caught.value) == (
        f"the engine at {script.host} speaks API 1.41, runner needs 1.44 or newer"
    )


def test_the_connection_is_used_again(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    with Script(tmp_path, reply, reply, keep=True) as script:
        client = EngineClient(script.host)
        assert client.json("GET", "/a") == []
        assert client.json("GET", "/b") == []
        client.close()
    assert (len(script.received), script.connections) == (2, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidParameter),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (500, errors.System),
        (501, errors.NotImplementedYet),
        (503, errors.Unavailable),
        (418, errors.System),
    ],
)
def test_statuses_become_error_classes(status: int, kind: type[errors.RunnerError]) -> None:
    error = from_response(status, b'{"message":"no\\n"}', "unix:///x/v1.51")
    assert type(error) is kind
    assert str(error) == "no"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"plain", "plain"),
        (b"{broken", "{broken"),
        (b'{"other":1}', '{"other":1}'),
        (
            b"",
            "request returned 500 for API route and version u, "
            "check if the server supports the requested API version",
        ),
    ],
)
def test_messages_of_odd_answers(body: bytes, text: str) -> None:
    assert str(from_response(500, body, "u")) == text


def test_a_route_that_the_server_lacks() -> None:
    error = from_response(404, b'{"message":"page not found"}', "u")
    assert isinstance(error, RouteMissing)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[x]",
    ],
)
def test_broken_servers_are_told_not_crashed_on(tmp_path: Path, reply: bytes) -> None:
    with Script(tmp_path, reply) as script:
        client = EngineClient(script.host)
        with pytest.raises(UnexpectedAnswer):
            client.json("GET", "/x")
        client.close()


def test_chunked_answers(tmp_path: Path) -> None:
    reply = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2;x=y\r\n[1\r\nA\r\n,2,3,4,5,6\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n"
    )
    with Script(tmp_path, reply) as script:
        client = EngineClient(script.host)
        assert client.json("GET", "/x") == [1, 2, 3, 4, 5, 6]
        client.close()


def test_nobody_there(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none"
    with pytest.raises(ConnectionFailed) as caught:
        EngineClient(host).json("GET", "/x")
    assert str(caught.value) == (
        f"Cannot connect to the engine at {host}. Is it running? (runner serve starts one)"
    )


def test_whoever_mends_an_absence_is_asked_once(tmp_path: Path) -> None:
    asked: list[ConnectionFailed] = []
    client = EngineClient(f"unix://{tmp_path}/none", unreachable=asked.append)
    with pytest.raises(ConnectionFailed):
        client.connect()
    with pytest.raises(ConnectionFailed):
        client.connect()
    assert len(asked) == 1


def test_names_cannot_reach_other_routes(tmp_path: Path) -> None:
    with Script(tmp_path, answer("404 Not Found", b'{"message":"x"}')) as script:
        with pytest.raises(errors.NotFound):
            containers.inspect(EngineClient(script.host), "../images/x?y#z\r\nEvil: 1")
    assert script.received[0].startswith(
        b"GET /v1.51/containers/..%2Fimages%2Fx%3Fy%23z%0D%0AEvil%3A%201/json HTTP/1.1\r\n"
    )


def test_empty_names_are_refused() -> None:
    with pytest.raises(ClientError, match="value is empty"):
        containers.start(EngineClient("unix:///none"), " ")


def test_query_strings() -> None:
    assert http.query_string({"b": "x y/é", "a": ["1", "2"]}) == "?a=1&a=2&b=x+y%2F%C3%A9"
    assert http.query_string({}) == ""


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        ("unix://", "unix://"),
        ("tcp://h:1", "tcp://h:1"),
        ("tcp://h", "tcp://h:2375"),
        ("h:7", "tcp://h:7"),
        ("tcp://[::1]:5", "tcp://[::1]:5"),
        ("tcp://:99", "tcp://localhost:99"),
    ],
)
def test_addresses(host: str, shown: str) -> None:
    assert parse_host(host).host == shown


@pytest.mark.parametrize(
    "host", ["ssh://x", "unix://a://b", "tcp://a://b", "tcp://h:x", "tcp://h:99999"]
)
def test_bad_addresses(host: str) -> None:
    with pytest.raises(ClientError):
        parse_host(host)
