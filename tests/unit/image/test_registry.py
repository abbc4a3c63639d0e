"""The registry client against registries that lie, stall, loop and break off."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import yarl
from aiohttp import ClientConnectorDNSError, web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.image.documents import MANIFEST_SIZE_MAX
from runner.image.reference import parse
from runner.image.registry import Credentials, Registry
from runner.image.registry import authorizer as authorizer_module
from runner.image.registry import challenge as challenges
from runner.image.registry.authorizer import Authorizer
from runner.image.registry.endpoint import Tls, endpoint
from runner.image.registry.errors import (
    AuthorizationFailed,
    NoMatchingManifest,
    TransportError,
    UnexpectedStatus,
    registry_errors,
    translate,
    translate_listing_error,
)
from runner.image.registry.hosts import RegistryHosts
from runner.image.registry.login import login
from runner.image.registry.session import open_session
from runner.types.errors import (
    DataLoss,
    Forbidden,
    InvalidParameter,
    NotFound,
    RunnerError,
    Unauthorized,
)
from runner.types.image import MEDIA_TYPE_OCI_MANIFEST, Descriptor, Platform
from tests.support.certificates import make_certificates
from tests.unit.image.hostile import answer, blob, digest_of, serving

if TYPE_CHECKING:
    from pathlib import Path

    from runner.image.registry.endpoint import Endpoint
    from tests.unit.image.hostile import Handler, Server

DATA = bytes(range(256)) * 4096


async def resolve(server: Server, credentials: Credentials | None = None) -> Descriptor:
    reference = server.reference()
    async with Registry(reference, credentials or Credentials(), backoff=0.001) as registry:
        return await registry.resolve(reference)


async def download(server: Server, descriptor: Descriptor, offset: int = 0) -> bytes:
    received = bytearray()

    async def sink(chunk: bytes) -> None:
        received.extend(chunk)

    async with Registry(server.reference(), backoff=0.001) as registry:
        await registry.copy(descriptor, sink, offset)
    return bytes(received)


async def document(server: Server, descriptor: Descriptor) -> bytes:
    async with Registry(server.reference(), backoff=0.001) as registry:
        return await registry.document(descriptor)


# --- resolving -------------------------------------------------------------------------------


async def test_a_tag_is_resolved_by_its_header() -> None:
    async with serving(answer(b"{}")) as server:
        assert await resolve(server) == Descriptor(MEDIA_TYPE_OCI_MANIFEST, digest_of(b"{}"), 2)
    assert [request.method for request in server.requests] == ["HEAD"]
    assert server.requests[0].path == "/v2/some/repo/manifests/v1"


async def test_without_a_header_the_content_tells() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"{}", content_type="application/json", charset="utf-8")

    async with serving(handler) as server:
        assert await resolve(server) == Descriptor("application/json", digest_of(b"{}"), 2)


async def test_registries_without_head_are_asked_with_get() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=405)
        return await answer(b"{}")(request)

    async with serving(handler) as server:
        assert (await resolve(server)).digest == digest_of(b"{}")


async def test_an_unknown_tag_is_not_found() -> None:
    async with serving(answer(status=404)) as server:
        with pytest.raises(NotFound) as err:
            await resolve(server)
    name = str(server.reference())
    assert err.value.message == f'failed to resolve reference "{name}": {name}: not found'


async def test_a_huge_manifest_is_refused_before_it_is_read() -> None:
    async with serving(answer(b"x" * (MANIFEST_SIZE_MAX + 1))) as server:
        with pytest.raises(NotFound, match="rejecting 4194305 byte manifest"):
            await resolve(server)


async def test_an_endless_manifest_is_given_up() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while request.method == "GET":
                await response.write(b"x" * 65536)
        except ConnectionError:
            pass
        return response

    async with serving(handler) as server:
        with pytest.raises(NotFound, match="rejecting 4194305 byte manifest"):
            await resolve(server)


async def test_a_malformed_digest_header_is_refused() -> None:
    async with serving(answer(b"{}", digest="sha256:nonsense")) as server:
        with pytest.raises(InvalidParameter, match='"sha256:nonsense" in header not a valid'):
            await resolve(server)


async def test_a_schema_1_manifest_in_disguise_is_told_by_its_type() -> None:
    async with serving(answer(b"{}", media_type="text/plain")) as server:
        assert "v1+" in (await resolve(server)).media_type


# --- documents -------------------------------------------------------------------------------


async def test_a_document_must_have_its_digest() -> None:
    async with serving(answer(b"{} ")) as server:
        wanted = Descriptor(MEDIA_TYPE_OCI_MANIFEST, digest_of(b"[] "), 3)
        with pytest.raises(DataLoss, match="unexpected commit digest"):
            await document(server, wanted)


async def test_a_document_above_the_limit_is_not_asked_for() -> None:
    async with serving(answer(b"{}")) as server:
        wanted = Descriptor(MEDIA_TYPE_OCI_MANIFEST, digest_of(b"{}"), MANIFEST_SIZE_MAX + 1)
        with pytest.raises(InvalidParameter, match="rejecting"):
            await document(server, wanted)
    assert not server.requests


# --- blobs -----------------------------------------------------------------------------------


async def test_a_blob_arrives_whole() -> None:
    async with serving(answer(DATA)) as server:
        assert await download(server, blob(DATA)) == DATA
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_more_bytes_than_promised_are_data_loss() -> None:
    async with serving(answer(DATA)) as server:
        with pytest.raises(DataLoss, match="sends more than the 10 bytes"):
            await download(server, blob(DATA, 10))
    assert len(server.requests) == 1


async def test_fewer_bytes_than_promised_end_in_an_error() -> None:
    async with serving(answer(DATA)) as server:
        with pytest.raises(TransportError, match="unexpected EOF"):
            await download(server, blob(DATA, len(DATA) + 1))


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
async def test_a_broken_download_goes_on_where_it_broke(ranges: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if ranges else 0
        response = web.StreamResponse(status=206 if ranges and start else 200)
        response.content_length = len(DATA) - start
        if ranges and start:
            response.headers["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        await response.prepare(request)
        # Each connection gets 400 KiB further than the one before.
        until = min(len(DATA), 400_000 * len(server.requests))
        await response.write(DATA[start:until])
        if until < len(DATA):
            assert request.transport is not None
            request.transport.close()
        return response

    async with serving(handler) as server:
        assert await download(server, blob(DATA)) == DATA
    assert len(server.requests) == 3


async def test_a_download_may_begin_in_the_middle() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.headers["Range"] == "bytes=1000-"
        headers = {"Content-Range": f"bytes 1000-{len(DATA) - 1}/{len(DATA)}"}
        return web.Response(status=206, body=DATA[1000:], headers=headers)

    async with serving(handler) as server:
        assert await download(server, blob(DATA), 1000) == DATA[1000:]


async def test_another_range_than_asked_for_is_refused() -> None:
    async with serving(answer(DATA[5:], status=206, Content_Range="bytes 5-9/10")) as server:
        with pytest.raises(TransportError, match="unhandled content range"):
            await download(server, blob(DATA), 1000)


async def test_a_registry_that_always_breaks_off_is_given_up() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(DATA)
        await response.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(handler) as server:
        with pytest.raises(TransportError):
            await download(server, blob(DATA))
    assert len(server.requests) == 5


async def test_a_missing_blob_is_not_found() -> None:
    async with serving(answer(status=404)) as server:
        with pytest.raises(NotFound, match="could not fetch content descriptor"):
            await download(server, blob(DATA))


# --- statuses --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503, 500, 504, 408])
async def test_a_busy_registry_is_asked_again(status: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if len(server.requests) == 1:
            return web.Response(status=status, headers={"Retry-After": "0"})
        return await answer(b"{}")(request)

    async with serving(handler) as server:
        assert (await resolve(server)).size == 2


@pytest.mark.parametrize(("status", "attempts"), [(429, 6), (503, 3)])
async def test_patience_ends(status: int, attempts: int) -> None:
    async with serving(answer(status=status)) as server:
        with pytest.raises(UnexpectedStatus, match=f": {status} "):
            await resolve(server)
    assert len(server.requests) == attempts


@pytest.mark.parametrize("status", [400, 403, 418, 501])
async def test_other_statuses_are_final(status: int) -> None:
    async with serving(answer(status=status)) as server:
        with pytest.raises(UnexpectedStatus, match=f": {status} "):
            await resolve(server)
    assert len(server.requests) == 1


# --- redirects -------------------------------------------------------------------------------


async def test_a_redirect_loop_ends() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": request.path})

    async with serving(handler) as server:
        with pytest.raises(TransportError, match="stopped after 10 redirects"):
            await resolve(server)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://x/", "http://[::x/", "//"])
async def test_redirects_lead_to_http_only(location: str) -> None:
    async with serving(answer(status=302, Location=location)) as server:
        with pytest.raises(TransportError):
            await resolve(server)


async def test_authorization_never_follows_to_another_host() -> None:
    async with serving(answer(DATA)) as elsewhere:

        async def handler(request: web.Request) -> web.StreamResponse:
            if "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return web.Response(status=307, headers={"Location": elsewhere.url("/blob")})

        async with serving(handler) as server:
            received = bytearray()

            async def sink(chunk: bytes) -> None:
                received.extend(chunk)

            credentials = Credentials("user", "secret")
            async with Registry(server.reference(), credentials) as registry:
                await registry.copy(blob(DATA), sink)
    assert bytes(received) == DATA
    assert len(elsewhere.requests) == 1
    assert "Authorization" not in elsewhere.requests[0].headers
    assert "Authorization" in server.requests[-1].headers


# --- authorization ---------------------------------------------------------------------------


def bearer(server: Server, **parameters: str) -> dict[str, str]:
    listed = {"realm": server.url("/token"), "service": "here"} | parameters
    shown = ",".join(f'{name}="{value}"' for name, value in listed.items())
    return {"WWW-Authenticate": f"Bearer {shown}"}


def token(text: str) -> Handler:
    """Answers with this one, whoever asks."""

    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"token": text})

    return handler


def beside(tokens: Handler, registry: Handler) -> Handler:
    """A registry that gives its tokens itself, where `bearer` sends for them."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (tokens if request.path == "/token" else registry)(request)

    return handler


async def serve_tokens(tokens: Handler, credentials: Credentials | None = None) -> Server:
    async def registry(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer good":
            return web.Response(status=401, headers=bearer(server))
        return await answer(b"{}")(request)

    async with serving(beside(tokens, registry)) as server:
        await resolve(server, credentials)
    return server


async def test_an_anonymous_token_is_fetched_for_the_repository() -> None:
    async def tokens(request: web.Request) -> web.Response:
        assert request.query.getall("scope") == ["repository:some/repo:pull"]
        assert request.query["service"] == "here"
        assert "Authorization" not in request.headers
        return web.json_response({"token": "good"})

    server = await serve_tokens(tokens)
    assert server.counts["GET /token"] == 1


async def test_a_password_is_exchanged_for_a_token() -> None:
    async def tokens(request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["grant_type"], form["username"], form["password"]) == ("password", "u", "p")
        return web.json_response({"access_token": "good", "expires_in": 300})

    server = await serve_tokens(tokens, Credentials("u", "p"))
    assert server.counts["POST /token"] == 1


async def test_token_servers_without_oauth_are_asked_with_basic() -> None:
    async def tokens(request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.Response(status=404)
        expected = base64.b64encode(b"u:p").decode()
        assert request.headers["Authorization"] == f"Basic {expected}"
        return web.json_response({"token": "good"})

    await serve_tokens(tokens, Credentials("u", "p"))


async def test_an_identity_token_is_a_refresh_token() -> None:
    async def tokens(request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "identity")
        return web.json_response({"access_token": "good"})

    await serve_tokens(tokens, Credentials("u", "p", identity_token="identity"))


async def test_a_registry_token_is_sent_as_it_is() -> None:
    async with serving(answer(b"{}")) as server:
        await resolve(server, Credentials(registry_token="mine"))
    assert server.requests[0].headers["Authorization"] == "Bearer mine"


async def test_an_expired_token_is_replaced() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return web.json_response({"token": f"t{server.counts['GET /token']}"})
        asked = server.counts["HEAD /v2/some/repo/manifests/v1"]
        if request.headers.get("Authorization") != ("Bearer t1" if asked < 3 else "Bearer t2"):
            return web.Response(status=401, headers=bearer(server, error="invalid_token"))
        return await answer(b"{}")(request)

    async with serving(handler) as server:
        reference = server.reference()
        async with Registry(reference) as registry:
            await registry.resolve(reference)
            await registry.resolve(reference)
    assert server.counts["GET /token"] == 2


async def through(server: Server, hosts: tuple[Endpoint, ...], **options: Any) -> Descriptor:
    """Resolve by way of these hosts."""
    with mock.patch.object(RegistryHosts, "endpoints", return_value=list(hosts)):
        async with Registry(server.reference(), backoff=0.001, **options) as registry:
            return await registry.resolve(server.reference())


@pytest.mark.parametrize("lifetime", [{}, {"expires_in": 300}], ids=["unsaid", "said"])
async def test_a_token_that_expires_under_several_requests_is_replaced_once(
    lifetime: dict[str, int],
) -> None:
    good = "Bearer t1"
    refused = asyncio.Barrier(3)

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            return web.json_response({"token": f"t{server.counts['GET /token']}", **lifetime})
        if request.headers.get("Authorization") != good:
            if server.counts["GET /token"] == 1:
                await refused.wait()  # all of them are sent with the old token
            return web.Response(status=401, headers=bearer(server, error="invalid_token"))
        return await answer(b"{}")(request)

    async with serving(handler) as server:
        reference = server.reference()
        async with Registry(reference) as registry:
            await registry.resolve(reference)
            good = "Bearer t2"
            await asyncio.gather(*(registry.resolve(reference) for _ in range(3)))
    assert server.counts["GET /token"] == 2


async def test_a_token_of_unsaid_lifetime_is_good_for_a_minute() -> None:
    async with serving(token("good")) as server:
        challenge = bearer(server)["WWW-Authenticate"]
        own = endpoint(server.reference().domain)
        async with await open_session(own.tls, 5) as session:
            authorizer = Authorizer(session, own, Credentials(), "scope")
            assert authorizer.learn([challenge], None)
            assert await authorizer.header() == "Bearer good"
            now = time.monotonic()
            for later, count in ((50, 1), (70, 2)):
                clock = SimpleNamespace(monotonic=lambda later=later: now + later)
                with mock.patch.object(authorizer_module, "time", clock):
                    assert await authorizer.header() == "Bearer good"
                assert server.counts["GET /token"] == count


async def test_headers_of_hosts_toml_stay_with_the_registry() -> None:
    async with serving(beside(token("good"), answer(b"{}"))) as elsewhere:

        async def handler(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != "Bearer good":
                return web.Response(status=401, headers=bearer(elsewhere))
            return web.Response(status=307, headers={"Location": elsewhere.url("/blob")})

        async with serving(handler) as server:
            sent = {"authorization": "secret", "X-Mine": "mine"}
            host = replace(endpoint(server.reference().domain), headers=sent)
            await through(server, (host,))
    assert [request.path for request in elsewhere.requests] == ["/token", "/blob"]
    assert all("secret" not in request.headers.values() for request in elsewhere.requests)
    assert all("X-Mine" not in request.headers for request in elsewhere.requests)
    shown = [request.headers.getall("Authorization") for request in server.requests]
    assert shown == [["secret"], ["Bearer good"]]
    assert all(request.headers["X-Mine"] == "mine" for request in server.requests)


async def test_a_token_server_proves_who_it_is_even_when_the_registry_need_not(
    tmp_path: Path,
) -> None:
    made = make_certificates(tmp_path)
    async with serving(token("good"), certificates=made) as tokens:

        async def handler(request: web.Request) -> web.StreamResponse:
            if "Authorization" in request.headers:
                return await answer(b"{}")(request)
            realm = f"https://127.0.0.1:{tokens.port}/token"
            return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})

        async with serving(handler) as server:
            own = endpoint(server.reference().domain)
            assert not own.tls.verify
            with pytest.raises(RunnerError, match="certificate verify failed"):
                await through(server, (own,))
            assert tokens.requests == []
            trusting = replace(own, tls=replace(own.tls, authorities=(made / "ca.pem",)))
            await through(server, (trusting,))
    assert len(tokens.requests) == 1


async def test_a_token_is_asked_for_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if "Authorization" in request.headers:
            return await answer(b"{}")(request)
        realm = 'Bearer realm="http://tokens.example/token"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    async with serving(token("good")) as proxying, serving(handler) as server:
        monkeypatch.setenv("http_proxy", proxying.url(""))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await resolve(server)
    assert [request.url.host for request in proxying.requests] == ["tokens.example"]


async def test_a_registry_that_refuses_its_own_tokens_says_why() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers=bearer(server, error="insufficient_scope"))

    async with serving(beside(token("any"), handler)) as server:
        with pytest.raises(AuthorizationFailed, match="insufficient_scope") as err:
            await resolve(server)
    assert len(server.requests) < 6
    told = translate(err.value, server.reference(), None)
    assert isinstance(told, NotFound)
    assert told.message == (
        f"pull access denied for 127.0.0.1:{server.port}/some/repo, repository does not exist or "
        "may require 'docker login'"
    )


async def test_a_loop_of_challenges_ends() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers=bearer(server))

    async with serving(beside(token("any"), handler)) as server:
        with pytest.raises(UnexpectedStatus, match="401 Unauthorized"):
            await resolve(server)
    assert len(server.requests) < 6


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"token": 1}', b'{"token": "a\\nb"}', b"<html>", b"[" * 100_000],
)
async def test_nonsense_from_a_token_server_is_an_error(body: bytes) -> None:
    async def tokens(request: web.Request) -> web.Response:
        return web.Response(body=body)

    with pytest.raises(RunnerError, match="failed to authorize: failed to fetch anonymous token"):
        await serve_tokens(tokens)


@pytest.mark.parametrize("realm", ["", "nonsense", "ftp://x/", "http://", "http://[x/"])
async def test_a_bad_realm_is_an_error(realm: str) -> None:
    async with serving(answer(status=401, WWW_Authenticate=f'Bearer realm="{realm}"')) as server:
        with pytest.raises(RunnerError, match="realm"):
            await resolve(server)


@pytest.mark.parametrize(("status", "shown"), [(503, "503 Service Unavailable"), (520, "520 ")])
async def test_a_login_that_fails_tells_the_status(status: int, shown: str) -> None:
    async with serving(answer(status=status)) as server:
        credentials = Credentials("u", "p", server_address=server.reference().domain)
        with pytest.raises(RunnerError) as err:
            await login(RegistryHosts(()), credentials)
    url = server.url("/v2/")
    assert err.value.message == f"login attempt to {url} failed with status: {shown}"


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b"{}"])
async def test_nonsense_from_a_token_server_fails_a_login(body: bytes) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/token":
            return web.Response(body=body)
        return web.Response(status=401, headers=bearer(server))

    async with serving(handler) as server:
        credentials = Credentials("u", "p", server_address=server.reference().domain)
        with pytest.raises(RunnerError, match="token"):
            await login(RegistryHosts(()), credentials)


@pytest.mark.parametrize(
    "body",
    [b'{"errors":{"code":"DENIED"}}', b'{"errors":5}', b'{"errors":"x"}', b'{"errors":[5]}'],
)
async def test_a_listing_refused_in_odd_words_is_an_error(body: bytes) -> None:
    async with serving(answer(body, status=403)) as server:
        reference = parse(f"{server.reference().domain}/some/repo")
        async with Registry(reference, backoff=0.001) as registry:
            with pytest.raises(RunnerError) as err:
                await registry.tags()
    assert "403 Forbidden" in translate_listing_error(err.value, reference).message


async def test_credentials_of_another_server_stay_here() -> None:
    async with serving(answer(status=401, WWW_Authenticate="Basic")) as server:
        with pytest.raises(AuthorizationFailed, match="no basic auth credentials"):
            await resolve(server, Credentials("u", "p", server_address="https://other.example/v1/"))
    assert all("Authorization" not in request.headers for request in server.requests)


async def test_a_wrong_password_is_sent_once() -> None:
    async with serving(answer(status=401, WWW_Authenticate='Basic realm="x"')) as server:
        with pytest.raises(UnexpectedStatus, match="401"):
            await resolve(server, Credentials("u", "wrong"))
    sent = [request for request in server.requests if "Authorization" in request.headers]
    assert len(sent) == 1


def test_secrets_do_not_show() -> None:
    shown = repr(Credentials("user", "pass1", "pass2", "pass3"))
    assert "user" in shown
    assert "pass" not in shown


def test_the_header_is_decoded_and_nonsense_is_nobody() -> None:
    encoded = base64.urlsafe_b64encode(json.dumps({"username": "u", "password": 1}).encode())
    assert Credentials.from_header(encoded.decode()) == Credentials("u")
    assert Credentials.from_header(encoded.decode().rstrip("=")) == Credentials("u")


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_header_is_decoded(value: str) -> None:
    Credentials.from_header(value)


# --- the small parts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "host", "schemes", "verify"),
    [
        ("docker.io", "registry-1.docker.io", ("https",), True),
        ("example.com:5000", "example.com:5000", ("https",), True),
        ("localhost", "localhost", ("https",), False),
        ("localhost:443", "localhost:443", ("https",), False),
        ("localhost:80", "localhost:80", ("http",), False),
        ("localhost:5000", "localhost:5000", ("https", "http"), False),
        ("127.9.9.9:5000", "127.9.9.9:5000", ("https", "http"), False),
        ("[::1]:5000", "[::1]:5000", ("https", "http"), False),
        ("127.0.0.1.example.com:5000", "127.0.0.1.example.com:5000", ("https",), True),
        ("10.0.0.1:5000", "10.0.0.1:5000", ("https",), True),
    ],
)
def test_only_loopback_registries_may_speak_plain_http(
    domain: str, host: str, schemes: tuple[str, ...], verify: bool
) -> None:
    found = endpoint(domain)
    assert (found.host, found.schemes, found.tls.verify) == (host, schemes, verify)


def test_challenges_are_parsed_and_the_strongest_comes_first() -> None:
    parsed = challenges.parse(
        ['Basic realm="a b"', 'Digest x="y"', r'bearer realm="q\"r", SERVICE=s , scope=""']
    )
    assert [found.scheme for found in parsed] == ["bearer", "basic"]
    assert parsed[0].parameters == {"realm": 'q"r', "service": "s", "scope": ""}


@given(st.lists(st.text()))
def test_any_challenge_is_parsed(headers: list[str]) -> None:
    challenges.parse([*headers, *(f"Bearer {header}" for header in headers)])


@given(
    st.binary()
    | st.text().map(lambda text: f'{{"errors": [{{"code": {json.dumps(text)}}}]}}'.encode())
)
def test_any_error_body_is_read(body: bytes) -> None:
    registry_errors(body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            403,
            {"errors": [{"code": "DENIED", "message": "no", "detail": "really"}]},
            Forbidden,
            "error from registry: no - really",
        ),
        (
            401,
            {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]},
            Unauthorized,
            "error from registry: unauthorized\nunauthorized",
        ),
        (
            429,
            {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]},
            RunnerError,
            "error from registry: slow down",
        ),
        (401, {"details": "old"}, Unauthorized, "authentication required - old"),
        (403, {"details": "old"}, Forbidden, "requested access to the resource is denied - old"),
    ],
)
def test_the_registrys_own_errors_are_told(
    status: int, body: object, kind: type[RunnerError], message: str
) -> None:
    cause = UnexpectedStatus("…", status, json.dumps(body).encode())
    told = translate(cause.wrap("failed to resolve reference"), parse("x"), None)
    assert (type(told), told.message) == (kind, message)


def test_a_missing_platform_is_named() -> None:
    told = translate(
        NoMatchingManifest("no match for platform in manifest: not found"),
        parse("x"),
        Platform("arm64", "linux"),
    )
    assert told.message == (
        "no matching manifest for linux/arm64 in the manifest list entries: "
        "no match for platform in manifest: not found"
    )


async def test_nobody_listening_is_told_as_go_tells_it() -> None:
    async with serving(answer()) as server:
        pass
    with pytest.raises(TransportError) as err:
        await resolve(server)
    assert err.value.message == (
        f'failed to resolve reference "{server.reference()}": failed to do request: Head '
        f'"https://127.0.0.1:{server.port}/v2/some/repo/manifests/v1": '
        f"dial tcp 127.0.0.1:{server.port}: connect: connection refused"
    )


async def test_tags_come_in_pages() -> None:
    async def handler(request: web.Request) -> web.Response:
        if "last" in request.query:
            return web.json_response({"tags": ["b"]})
        link = '</v2/some/repo/tags/list?last=a>; rel="next"'
        return web.json_response({"tags": ["a", 1]}, headers={"Link": link})

    async with serving(handler) as server, Registry(server.reference()) as registry:
        assert await registry.tags() == ["a", "b"]


async def test_an_endless_list_of_tags_is_given_up() -> None:
    link = '</v2/some/repo/tags/list>; rel="next"'
    async with serving(answer(b'{"tags": []}', Link=link)) as server:
        async with Registry(server.reference()) as registry:
            with pytest.raises(DataLoss, match="does not end"):
                await registry.tags()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    status=st.sampled_from([200, 206, 301, 400, 401, 404, 416, 500]),
    body=st.binary(max_size=200),
    headers=st.dictionaries(
        st.sampled_from(
            ["Content-Type", "Docker-Content-Digest", "Location", "WWW-Authenticate", "Link"]
        ),
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=50),
    ),
)
def test_whatever_a_registry_answers_it_is_an_answer_or_our_error(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    async def ask() -> None:
        async with serving(handler) as server:
            for wanted in (resolve(server), document(server, blob(body))):
                try:
                    await wanted
                except RunnerError as err:
                    assert translate(err, server.reference(), None).message

    asyncio.run(ask())


@pytest.mark.parametrize("host", ["..", "a..b", "x" * 64])
async def test_a_name_that_cannot_be_is_nobodys(host: str) -> None:
    async with await open_session(Tls(), 10) as session:
        with pytest.raises(ClientConnectorDNSError):
            await session.get(yarl.URL.build(scheme="http", host=host, path="/v2/"))
