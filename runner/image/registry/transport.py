"""One registry's HTTP: schemes, redirects, authorization, retries (containerd's resolver.go).

Redirects are followed by hand, so that an Authorization header and those of hosts.toml stay with
the registry that they are for. Bodies are taken as they are on the wire (`identity`): a digest is
that of the bytes sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp
import tenacity
import yarl
from multidict import CIMultiDict

from runner.image.registry.authorizer import Authorizer, read_capped
from runner.image.registry.credentials import ANONYMOUS, Credentials
from runner.image.registry.errors import Interrupted, TransportError, UnexpectedStatus, describe
from runner.image.registry.session import open_session, proxy
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from runner.image.registry.endpoint import Endpoint

ERROR_SIZE_MAX = 64_000
"""Bytes read of an error's body, as containerd does."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX = 10
_CHALLENGES_MAX = 5
_RETRY_AFTER_MAX = 60.0
_BUSY = frozenset({408, 429})
_BROKEN = frozenset({500, 503, 504})
_BUSY_ATTEMPTS, _BROKEN_ATTEMPTS = 6, 3

Body = Callable[[], Any]
"""Makes the body of one attempt: bytes, or pieces of them as they come."""


class Transport:
    """Sends requests to one host of a registry. An async context manager.

    Paths are those below the API's root; a URL that the registry has given is taken as it is.
    """

    def __init__(
        self, endpoint: Endpoint, domain: str, credentials: Credentials, scope: str, backoff: float
    ) -> None:
        """`backoff` is the first wait between two attempts, in seconds; it doubles."""
        self.endpoint = endpoint
        self._namespace = domain if endpoint.is_mirror_of(domain) else None
        self._credentials = credentials if credentials.are_for(endpoint.host, domain) else ANONYMOUS
        self._probing = asyncio.Lock()
        self._scope = scope
        self.backoff = backoff

    async def __aenter__(self) -> Self:
        self._session = await open_session(self.endpoint.tls, self.endpoint.dial_timeout)
        self._authorizer = Authorizer(self._session, self.endpoint, self._credentials, self._scope)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str | yarl.URL,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        *,
        attempts: int | None = None,
        also: str = "",
    ) -> aiohttp.ClientResponse:
        """A successful response to the request, its body unread; the caller closes it.

        `attempts` limits those after a broken connection or a busy registry; `also` is a scope
        that the request needs besides the repository's own.

        Raises NotFound-like errors as UnexpectedStatus (its `status` tells), TransportError when
        there is no connection, AuthorizationFailed when the registry refuses us.
        """
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Interrupted),
            stop=_stop if attempts is None else tenacity.stop_after_attempt(attempts),
            wait=self.wait,
            reraise=True,
        )
        request = _Request(method, path, headers or {}, body, also)
        try:
            return await retrying(self._send_once, request)
        except Interrupted as err:
            if isinstance(err.__cause__, UnexpectedStatus):
                raise err.__cause__ from None
            raise TransportError(err.message) from err.__cause__

    def wait(self, state: tenacity.RetryCallState) -> float:
        """How long before the next attempt: what the registry asks for, else ever longer."""
        err = state.outcome.exception() if state.outcome else None
        asked = err.retry_after if isinstance(err, Interrupted) else None
        growing: float = self.backoff * 2 ** (state.attempt_number - 1)
        return min(growing if asked is None else asked, _RETRY_AFTER_MAX)

    async def _send_once(self, request: _Request) -> aiohttp.ClientResponse:
        for _ in range(_CHALLENGES_MAX):
            authorization = await self._authorization(request.also)
            response = await self._exchange(request, authorization)
            if response.status < 300:
                if authorization is not None:
                    self._authorizer.accepted(authorization)
                return response
            async with response:
                again = response.status == 401 and self.endpoint.serves(response.url)
                challenges = response.headers.getall("WWW-Authenticate", [])
                if again and self._authorizer.learn(challenges, authorization, request.also):
                    continue
                raise await _failure(response)
        raise RunnerError("registry kept asking for authorization")

    async def _authorization(self, also: str) -> str | None:
        try:
            return await self._authorizer.header(also)
        except RunnerError as err:
            raise err.wrap("failed to authorize") from err
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            raise TransportError(f"failed to authorize: {err}") from err

    async def _exchange(
        self, request: _Request, authorization: str | None
    ) -> aiohttp.ClientResponse:
        """Send the request and follow where it leads."""
        response = await self._first(request, authorization)
        for _ in range(_REDIRECTS_MAX):
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response
            response.release()
            url = _redirected(response.url, location)
            own = authorization if self.endpoint.serves(url) else None
            response = await self._request(request, url, own)
        response.close()
        method = request.method.title()
        raise TransportError(f'{method} "{response.url}": stopped after 10 redirects')

    async def _first(self, request: _Request, authorization: str | None) -> aiohttp.ClientResponse:
        """The first request, which finds out whether a loopback registry speaks TLS."""
        if isinstance(request.path, yarl.URL):
            own = authorization if self.endpoint.serves(request.path) else None
            return await self._request(request, request.path, own)
        if len(self.endpoint.schemes) > 1:
            async with self._probing:
                if len(self.endpoint.schemes) > 1:
                    return await self._probe(request, request.path, authorization)
        return await self._request(request, self.url(request.path), authorization)

    async def _probe(
        self, request: _Request, path: str, authorization: str | None
    ) -> aiohttp.ClientResponse:
        secure, plain = self.endpoint.schemes
        try:
            response = await self._request(request, self.url(path), authorization)
        except _NotTLS:
            self.endpoint = replace(self.endpoint, schemes=(plain,))
            return await self._request(request, self.url(path), authorization)
        self.endpoint = replace(self.endpoint, schemes=(secure,))
        return response

    def url(self, path: str) -> yarl.URL:
        """The URL of a path below the API's root."""
        url = f"{self.endpoint.schemes[0]}://{self.endpoint.host}{self.endpoint.path}{path}"
        if self._namespace is None:
            return yarl.URL(url, encoded=True)
        separator = "&" if "?" in path else "?"
        return yarl.URL(f"{url}{separator}ns={quote(self._namespace, safe='')}", encoded=True)

    async def _request(
        self, request: _Request, url: yarl.URL, authorization: str | None
    ) -> aiohttp.ClientResponse:
        headers = CIMultiDict(self.endpoint.headers if self.endpoint.serves(url) else {})
        headers.update(request.headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            return await self._session.request(
                request.method,
                url,
                headers=headers,
                data=request.body() if request.body else None,
                allow_redirects=False,
                proxy=proxy(url),
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as err:
            raise _connection_error(err)(describe(err, request.method, url)) from err


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for, as often as it takes."""

    method: str
    path: str | yarl.URL
    headers: dict[str, str]
    body: Body | None
    also: str


class _NotTLS(TransportError):
    """Whoever listens there does not speak TLS."""


def _connection_error(err: Exception) -> type[RunnerError]:
    """Only a connection that was there and broke is worth another attempt."""
    match err:
        case aiohttp.ClientConnectorCertificateError():
            return TransportError
        case aiohttp.ClientSSLError():
            return _NotTLS
        case aiohttp.ClientConnectorError() | ValueError():
            return TransportError
        case _:
            return Interrupted


async def _failure(response: aiohttp.ClientResponse) -> RunnerError:
    """The error of an unsuccessful response; Interrupted where another attempt may help."""
    try:
        body = await read_capped(response, ERROR_SIZE_MAX)
    except (aiohttp.ClientError, TimeoutError):
        body = b""
    unexpected = UnexpectedStatus.of(response, body)
    if response.status not in _BUSY | _BROKEN:
        return unexpected
    interrupted = Interrupted(unexpected.message, _retry_after(response))
    interrupted.__cause__ = unexpected
    return interrupted


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds; the date form is rare with registries and counts as absent."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdecimal() and len(value) < 6 else None


def _stop(state: tenacity.RetryCallState) -> bool:
    """Patience with a busy registry, little with a broken one (moby retries that once or twice)."""
    err = state.outcome.exception() if state.outcome else None
    cause = err.__cause__ if err else None
    busy = isinstance(cause, UnexpectedStatus) and cause.status in _BUSY
    return state.attempt_number >= (_BUSY_ATTEMPTS if busy else _BROKEN_ATTEMPTS)


def _redirected(url: yarl.URL, location: str) -> yarl.URL:
    try:
        target = url.join(yarl.URL(location))
    except ValueError as err:
        raise TransportError(f"failed to parse Location header {location!r}: {err}") from err
    if target.scheme not in {"http", "https"} or not target.host:
        raise TransportError(f'unsupported protocol scheme "{target.scheme}"')
    return target
