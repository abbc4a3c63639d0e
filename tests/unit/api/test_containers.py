"""Each container route: what the verb gets, what the client gets."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.api import containers
from runner.api.body import read_json
from runner.types import wire
from runner.types.container import CreateRequest, CreateResponse
from runner.types.errors import Conflict, InvalidParameter, NotFound
from runner.types.image import Platform

if TYPE_CHECKING:
    from tests.unit.api.conftest import Api


class Verb:
    """Stands in for a verb: remembers how it was called, answers what it was told."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.args: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    async def __call__(self, _engine: Any, *args: Any, **options: Any) -> Any:
        self.args, self.options = args, options
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Verb:
    fake = Verb()
    monkeypatch.setattr(containers, request.param, fake)
    return fake


def uses(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("verb", [name], indirect=True)


@uses("container_create")
async def test_create(api: Api, verb: Verb) -> None:
    verb.answer = CreateResponse(id="abc", warnings=["first"])
    body = {
        "Image": "demo",
        "cmd": "echo",
        "MacAddress": "02:00:00:00:00:01",
        "HostConfig": {"NetworkMode": "default", "PidsLimit": -1},
        "NetworkingConfig": {"EndpointsConfig": {"default": {"Aliases": ["a"]}}},
    }
    reply = await api.ask(
        "POST", "/v1.51/containers/create?name=web&platform=linux/arm64", json=body
    )
    assert reply.status == 201
    assert reply.json()["Id"] == "abc"
    assert reply.json()["Warnings"][0] == "first"
    assert "MacAddress field is now deprecated" in reply.json()["Warnings"][1]
    options = verb.options
    assert options["name"] == "web"
    assert options["platform"] == Platform(os="linux", architecture="arm64")
    assert options["config"].cmd == ["echo"]
    assert options["host_config"].network_mode == "bridge"
    assert options["host_config"].pids_limit is None
    endpoint = options["networking_config"].endpoints_config["bridge"]
    assert (endpoint.aliases, endpoint.mac_address) == (["a"], "02:00:00:00:00:01")


@uses("container_create")
async def test_create_without_warnings_says_an_empty_list(api: Api, verb: Verb) -> None:
    verb.answer = CreateResponse(id="abc")
    reply = await api.ask("POST", "/containers/create", json={"Image": "x"})
    assert reply.body == b'{"Id":"abc","Warnings":[]}\n'


@uses("container_create")
@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"", "application/json", "invalid JSON: got EOF while reading request body"),
        (b"{}", "application/json", "config cannot be empty in order to create a container"),
        (b"null", "application/json", "config cannot be empty in order to create a container"),
        (b'{"Image":"x"} {}', "application/json", "unexpected content after JSON"),
        (
            b'{"Image":"x"}',
            "text/plain",
            "unsupported Content-Type header (text/plain): must be 'application/json'",
        ),
    ],
)
async def test_create_refuses(
    api: Api, verb: Verb, body: bytes, content_type: str, text: str
) -> None:
    headers = {"Content-Type": content_type}
    reply = await api.ask("POST", "/containers/create", data=body, headers=headers)
    assert (reply.status, reply.json()) == (400, {"message": text})
    assert not verb.options


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
KEYS = st.sampled_from(["Image", "Env", "Cmd", "HostConfig", "Healthcheck", "NetworkingConfig"])
BODIES = (
    st.binary(max_size=100)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(KEYS, JSON, max_size=3).map(lambda value: json.dumps(value).encode())
    | st.integers(900, 100_000).map(lambda depth: b"[" * depth)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(BODIES)
def test_any_body_is_decoded_or_refused(body: bytes) -> None:
    rest = [body]

    async def readany() -> bytes:
        return rest.pop() if rest else b""

    request = SimpleNamespace(
        headers={"Content-Type": "application/json"},
        body_exists=True,
        content=SimpleNamespace(readany=readany),
    )
    try:
        asyncio.run(read_json(request, CreateRequest))  # type: ignore[arg-type]
    except InvalidParameter as error:
        assert error.message


@uses("container_start")
async def test_start(api: Api, verb: Verb) -> None:
    reply = await api.ask("POST", "/containers/web/start")
    assert (reply.status, reply.body, verb.args) == (204, b"", ("web",))


@uses("container_start")
async def test_start_takes_no_body(api: Api, verb: Verb) -> None:
    text = (
        "starting container with non-empty request body was deprecated since API v1.22 "
        "and removed in v1.24"
    )

    async def chunks() -> Any:
        yield b"{}"

    for data in (b'{"Binds":[]}', chunks()):
        reply = await api.ask("POST", "/containers/web/start", data=data)
        assert (reply.status, reply.json()) == (400, {"message": text})
    assert (await api.ask("POST", "/containers/web/start", data=b"{}")).status == 204


@pytest.mark.parametrize("action", ["stop", "restart"])
async def test_stop_and_restart(api: Api, monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    fake = Verb()
    monkeypatch.setattr(containers, f"container_{action}", fake)
    reply = await api.ask("POST", f"/containers/web/{action}?t=-1&signal=INT")
    assert reply.status == 204
    assert (fake.args, fake.options) == (("web",), {"signal": "INT", "timeout": -1})
    await api.ask("POST", f"/v1.41/containers/web/{action}?signal=INT")
    assert fake.options == {"signal": "", "timeout": None}
    reply = await api.ask("POST", f"/containers/web/{action}?t=a")
    assert reply.status == 500
    assert reply.json() == {"message": 'strconv.Atoi: parsing "a": invalid syntax'}


@uses("container_kill")
async def test_kill(api: Api, verb: Verb) -> None:
    assert (await api.ask("POST", "/containers/web/kill?signal=9")).status == 204
    assert verb.args == ("web", "9")
    verb.answer = Conflict("container abc is not running")
    reply = await api.ask("POST", "/containers/web/kill")
    text = "cannot kill container: web: container abc is not running"
    assert (reply.status, reply.json()) == (409, {"message": text})


@uses("container_rm")
async def test_remove(api: Api, verb: Verb) -> None:
    assert (await api.ask("DELETE", "/containers/web?v=1&force=true")).status == 204
    assert verb.args == ("web",)
    assert verb.options == {"force": True, "remove_volumes": True, "remove_link": False}


@uses("container_rename")
async def test_rename(api: Api, verb: Verb) -> None:
    assert (await api.ask("POST", "/containers/web/rename?name=new")).status == 204
    assert verb.args == ("web", "new")


@uses("container_resize")
async def test_resize(api: Api, verb: Verb) -> None:
    reply = await api.ask("POST", "/containers/web/resize?h=24&w=80")
    assert (reply.status, reply.body, verb.args) == (200, b"", ("web", 24, 80))
    reply = await api.ask("POST", "/containers/web/resize?h=-1&w=80")
    assert (reply.status, reply.json()) == (
        400,
        {"message": 'invalid resize height "-1": value out of range'},
    )


@uses("container_inspect")
async def test_inspect_of_nothing(api: Api, verb: Verb) -> None:
    verb.answer = NotFound("No such container: web")
    reply = await api.ask("GET", "/containers/web/json?size=1")
    assert (reply.status, reply.json()) == (404, {"message": "No such container: web"})
    assert verb.options == {"size": True}


async def test_list(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Verb([])
    monkeypatch.setattr(containers.listing, "containers", fake)
    query = "all=1&limit=3&since=a&filters=%7B%22name%22%3A%5B%22x%22%5D%7D"
    reply = await api.ask("GET", f"/containers/json?{query}")
    assert reply.body == b"[]\n"
    (options,) = fake.args
    assert (options.all, options.limit, options.size) == (True, 3, False)
    assert options.filters == {"name": ["x"]}  # the parameter `since` means nothing any more


def test_the_create_request_keeps_what_config_has() -> None:
    request = wire.decode(b'{"Hostname":"h","HostConfig":{"Privileged":true}}', CreateRequest)
    assert request.hostname == "h"
    assert request.host_config
    assert request.host_config.privileged
