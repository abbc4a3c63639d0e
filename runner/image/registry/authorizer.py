"""Answering a registry's challenges (containerd core/remotes/docker/authorizer.go).

Tokens belong to one registry and one scope. Secrets go to that registry (Basic) or to the token
server that it names (Bearer), and nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import yarl

from runner.image.registry import challenge as challenges
from runner.image.registry.errors import AuthorizationFailed, NoCredentials, UnexpectedStatus
from runner.image.registry.session import proxy, session_for
from runner.types import gojson
from runner.types.errors import InvalidParameter, RunnerError

if TYPE_CHECKING:
    import aiohttp

    from runner.image.registry.challenge import Challenge
    from runner.image.registry.credentials import Credentials
    from runner.image.registry.endpoint import Endpoint

TOKEN_SIZE_MAX = 1 << 20
"""Bytes a token server's answer may have; tokens have a few thousand."""

_LIFETIME = 60
"""Seconds of a token whose server does not say how long it is good (distribution's token spec)."""

_NO_OAUTH = frozenset({400, 401, 404})
"""Statuses of token servers that have no OAuth endpoint (GCR 404, Artifactory 401, ACR 400)."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float

    @property
    def header(self) -> str:
        return f"Bearer {self.value}"

    @property
    def valid(self) -> bool:
        return time.monotonic() < self.expires


class Authorizer:
    """The Authorization header of one registry for one scope, learnt from its challenges."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        credentials: Credentials,
        scope: str,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._credentials = credentials
        self._scope = scope
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._proven: set[str] = set()
        self._fetching = asyncio.Lock()

    async def header(self, also: str = "") -> str | None:
        """The header's value, None before the first challenge. Fetches a token when it must.

        `also` is a scope besides the authorizer's own, for which there is a token of its own.
        Raises UnexpectedStatus and what the session raises.
        """
        async with self._fetching:  # one token for all who wait for it
            present = self._present(also)
            if self._challenge is None or present is not None:
                return present
            token = self._tokens[also] = await self._fetch_token(self._challenge, also)
        return token.header

    def _present(self, also: str) -> str | None:
        """The header as far as there is one without asking for a token."""
        if self._challenge is not None and self._challenge.scheme == "basic":
            return self._basic()
        if self._credentials.registry_token:
            return f"Bearer {self._credentials.registry_token}"
        token = self._tokens.get(also)
        return token.header if token is not None and token.valid else None

    def learn(self, headers: list[str], sent: str | None, also: str = "") -> bool:
        """Take a 401's challenges in; whether another attempt can do better.

        `sent` is the Authorization header that was refused, which may have been replaced since.
        Raises AuthorizationFailed when the registry says why it refuses, NoCredentials when it
        wants some.
        """
        usable = challenges.parse(headers)
        if not usable or self._credentials.registry_token:
            return False
        if self._challenge is not None and sent != self._present(also):
            return True
        challenge = usable[0]
        if sent is not None and sent not in self._proven:
            if challenge.scheme == "bearer" and (error := challenge.parameters.get("error")):
                raise AuthorizationFailed(f"server message: {error}: authorization failed")
            return False
        if challenge.scheme == "basic" and not all(self._credentials.secret):
            raise NoCredentials("authorization failed: no basic auth credentials")
        self._challenge = challenge
        self._proven.clear()
        self._tokens.clear()
        return True

    def accepted(self, sent: str) -> None:
        """The registry took this header: should it refuse it later, a new token may help."""
        self._proven.add(sent)

    def _basic(self) -> str:
        username, secret = self._credentials.secret
        return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"

    async def _fetch_token(self, challenge: Challenge, also: str) -> _Token:
        realm = realm_of(challenge)
        asked = challenge.parameters.get("scope", "").split()
        scopes = sorted({self._scope, also, *asked} - {""})
        service = challenge.parameters.get("service", "")
        _, secret = self._credentials.secret
        try:
            if secret and realm.scheme != "https" and self._endpoint.tls.verify:
                raise RunnerError(f"refusing to send credentials to {realm} without TLS")
            async with session_for(realm, self._endpoint, self._session) as session:
                ask = self._post_token if secret else self._get_token
                return await ask(session, realm, service, scopes)
        except RunnerError as err:
            raise err.wrap(f"failed to fetch {'oauth' if secret else 'anonymous'} token") from err

    async def _get_token(
        self, session: aiohttp.ClientSession, realm: yarl.URL, service: str, scopes: list[str]
    ) -> _Token:
        query = [("service", service)] if service else []
        url = realm.extend_query([*query, *(("scope", scope) for scope in scopes)])
        username, secret = self._credentials.secret
        headers = {}
        if secret:
            encoded = base64.b64encode(f"{username}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {encoded}"
        async with session.get(
            url, headers=headers, allow_redirects=not secret, proxy=proxy(url)
        ) as response:
            return await _read_token(response)

    async def _post_token(
        self, session: aiohttp.ClientSession, realm: yarl.URL, service: str, scopes: list[str]
    ) -> _Token:
        username, secret = self._credentials.secret
        grant = (
            {"grant_type": "password", "username": username, "password": secret}
            if username
            else {"grant_type": "refresh_token", "refresh_token": secret}
        )
        form = {"service": service, "client_id": "containerd-client", "scope": " ".join(scopes)}
        async with session.post(
            realm, data=form | grant, allow_redirects=False, proxy=proxy(realm)
        ) as response:
            if response.status not in _NO_OAUTH and not (response.status == 405 and username):
                return await _read_token(response)
        return await self._get_token(session, realm, service, scopes)


def realm_of(challenge: Challenge) -> yarl.URL:
    text = challenge.parameters.get("realm")
    if not text:
        raise InvalidParameter("no realm specified for token auth challenge")
    try:
        realm = yarl.URL(text)
    except ValueError as err:
        raise InvalidParameter(f"invalid token auth challenge realm: {err}") from err
    if realm.scheme not in {"http", "https"} or not realm.host:
        raise InvalidParameter(f"invalid token auth challenge realm: {text}")
    return realm


async def _read_token(response: aiohttp.ClientResponse) -> _Token:
    body = await read_capped(response, TOKEN_SIZE_MAX)
    if not 200 <= response.status < 300:
        raise UnexpectedStatus.of(response, body)
    document = _decode(body)
    value = document.get("access_token") or document.get("token")
    if not isinstance(value, str) or not value.isprintable():
        raise RunnerError("authorization server did not include a token in the response")
    lifetime = document.get("expires_in")
    seconds = lifetime if isinstance(lifetime, int | float) and lifetime > 0 else _LIFETIME
    return _Token(value, time.monotonic() + seconds)


async def read_capped(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, or as much of it as the limit allows."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 << 10):
        body += chunk[: limit - len(body)]
        if len(body) >= limit:
            break
    return bytes(body)


def _decode(body: bytes) -> dict[str, Any]:
    try:
        document = gojson.decode(body)
    except msgspec.DecodeError as err:
        raise RunnerError(f"unable to decode token response: {err}") from err
    return document if isinstance(document, dict) else {}
