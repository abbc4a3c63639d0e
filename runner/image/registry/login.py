"""Trying credentials on a registry (moby registry/service.go Auth, registry/auth.go loginV2)."""

from __future__ import annotations

import asyncio
import base64
import logging
from dataclasses import replace
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import yarl
from multidict import CIMultiDict

from runner.image.registry import challenge as challenges
from runner.image.registry.authorizer import TOKEN_SIZE_MAX, read_capped, realm_of
from runner.image.registry.endpoint import Endpoint, endpoint
from runner.image.registry.errors import UnexpectedStatus, reason, registry_errors
from runner.image.registry.session import open_session, proxy, session_for
from runner.types import gojson
from runner.types.errors import InvalidParameter, RunnerError, Unauthorized

if TYPE_CHECKING:
    from runner.image.registry.challenge import Challenge
    from runner.image.registry.credentials import Credentials
    from runner.image.registry.hosts import RegistryHosts

log = logging.getLogger(__name__)

_HUB = "docker.io"
_CLIENT_ID = "docker"
_TIMEOUT = aiohttp.ClientTimeout(total=15)


async def login(hosts: RegistryHosts, credentials: Credentials) -> str:
    """Prove the credentials to their registry; the identity token that it gives, or nothing.

    Mirrors are left out: they have no business with the upstream's secrets. Raises Unauthorized
    and RunnerError with dockerd's texts.
    """
    failure: RunnerError | None = None
    for each in await _endpoints(hosts, credentials.server_address):
        try:
            return await _try(each, credentials)
        except Unauthorized:
            raise
        except RunnerError as err:
            log.info("error logging in to endpoint %s, trying next: %s", each.host, err)
            failure = err
    assert failure is not None
    raise failure


async def _endpoints(hosts: RegistryHosts, address: str) -> list[Endpoint]:
    """The registry's own host, once for each scheme."""
    domain = _host(address) or _HUB
    found = await asyncio.to_thread(hosts.endpoints, domain)
    own = next((each for each in found if not each.is_mirror_of(domain)), endpoint(domain))
    return [replace(own, schemes=(scheme,)) for scheme in own.schemes]


def _host(address: str) -> str:
    """The host of a server's address, with or without scheme and path."""
    if not address:
        return ""
    try:
        url = yarl.URL(address if "://" in address else f"https://{address}")
    except ValueError as err:
        raise InvalidParameter(f"unable to parse server address: {err}") from err
    return url.authority


async def _try(each: Endpoint, credentials: Credentials) -> str:
    """moby loginV2."""
    url = yarl.URL(f"{each.schemes[0]}://{each.host}{each.path}/")
    async with await open_session(each.tls, each.dial_timeout) as session:
        attempt = _Attempt(session, each, url, credentials)
        try:
            return await attempt.run()
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise RunnerError(f'Get "{url}": {reason(err)}') from err


class _Attempt:
    """One attempt on one endpoint."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        url: yarl.URL,
        credentials: Credentials,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._url = url
        self._credentials = credentials

    async def run(self) -> str:
        async with self._ask_registry(None) as response:
            found = challenges.parse(response.headers.getall("WWW-Authenticate", []))
        authorization, identity = None, ""
        if found:
            authorization, identity = await self._answer(found[0])
        async with self._ask_registry(authorization) as response:
            if response.status != HTTPStatus.OK:
                status = f"{response.status} {responses.get(response.status, '')}"
                raise RunnerError(f"login attempt to {self._url} failed with status: {status}")
        return identity

    async def _answer(self, challenge: Challenge) -> tuple[str, str]:
        """The Authorization header, and the identity token that came with it."""
        if challenge.scheme == "basic":
            return self._basic(), ""
        token = await self._fetch_token(challenge)
        value = token.get("token") or token.get("access_token")
        if not isinstance(value, str):
            raise RunnerError("authorization server did not include a token in the response")
        refresh = token.get("refresh_token")
        return f"Bearer {value}", refresh if isinstance(refresh, str) else ""

    async def _fetch_token(self, challenge: Challenge) -> dict[str, object]:
        query = {
            "account": self._credentials.username,
            "client_id": _CLIENT_ID,
            "offline_token": "true",
            "service": challenge.parameters.get("service", ""),
        }
        realm = realm_of(challenge).update_query({k: v for k, v in query.items() if v})
        async with (
            session_for(realm, self._endpoint, self._session) as session,
            session.get(
                realm,
                headers={"Authorization": self._basic()},
                timeout=_TIMEOUT,
                proxy=proxy(realm),
            ) as response,
        ):
            body = await read_capped(response, TOKEN_SIZE_MAX)
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise self._refused(response, body)
        try:
            return gojson.decode(body, dict[str, object])
        except msgspec.DecodeError as err:
            raise RunnerError(f"unable to decode token response: {err}") from err

    def _refused(self, response: aiohttp.ClientResponse, body: bytes) -> RunnerError:
        """The token server's own words (translateV2AuthError)."""
        entries = registry_errors(body)
        if not entries:
            if response.status == HTTPStatus.UNAUTHORIZED:
                return Unauthorized(f'Get "{self._url}": unauthorized: authentication required')
            return UnexpectedStatus.of(response, body)
        kind = Unauthorized if entries[0].code == "UNAUTHORIZED" else RunnerError
        return kind(f'Get "{self._url}": {entries[0].name}: {entries[0].message}')

    def _basic(self) -> str:
        username, secret = self._credentials.username, self._credentials.password
        return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"

    def _ask_registry(self, authorization: str | None) -> aiohttp.client._RequestContextManager:
        headers = CIMultiDict(self._endpoint.headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        return self._session.get(
            self._url, headers=headers, timeout=_TIMEOUT, proxy=proxy(self._url)
        )
