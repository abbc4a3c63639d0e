"""One repository of one registry (distribution-spec, pulling manifests and blobs)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

import aiohttp
import tenacity
import yarl

from runner.image import digest as digests
from runner.image import mediatypes
from runner.image.documents import CONFIG_SIZE_MAX, MANIFEST_SIZE_MAX, is_document, parse_tags
from runner.image.registry.authorizer import read_capped
from runner.image.registry.credentials import ANONYMOUS, Credentials
from runner.image.registry.endpoint import Capability
from runner.image.registry.errors import (
    AuthorizationFailed,
    Interrupted,
    TransportError,
    UnexpectedStatus,
)
from runner.image.registry.hosts import RegistryHosts
from runner.image.registry.transport import Transport
from runner.types.errors import DataLoss, InvalidParameter, NotFound, RunnerError
from runner.types.image import (
    MEDIA_TYPE_DOCKER_LIST,
    MEDIA_TYPE_DOCKER_MANIFEST,
    MEDIA_TYPE_OCI_INDEX,
    MEDIA_TYPE_OCI_MANIFEST,
    Descriptor,
)

if TYPE_CHECKING:
    from runner.image.reference import Reference

CHUNK_SIZE = 1 << 20
"""Bytes passed on at once; larger chunks did not make containerd's store faster."""

_ACCEPT = ", ".join(
    [
        MEDIA_TYPE_DOCKER_MANIFEST,
        MEDIA_TYPE_DOCKER_LIST,
        MEDIA_TYPE_OCI_MANIFEST,
        MEDIA_TYPE_OCI_INDEX,
        "*/*",
    ]
)
_STALLED_MAX = 5
_TAG_PAGES_MAX = 1000

Sink = Callable[[bytes], Awaitable[None]]

_OF_ONE_HOST = (TransportError, NotFound, UnexpectedStatus, AuthorizationFailed)
"""Failures after which another host may have the blob."""

log = logging.getLogger(__name__)


class Registry:
    """The repository that a reference names, on all hosts that have it. An async context manager.

    Errors are those of `registry.errors`; `errors.translate` makes dockerd's of them.
    """

    def __init__(
        self,
        reference: Reference,
        credentials: Credentials = ANONYMOUS,
        *,
        hosts: RegistryHosts = RegistryHosts(()),  # noqa: B008 (frozen)
        actions: str = "pull",
        backoff: float = 0.25,
    ) -> None:
        """`actions` is what the repository's token is to allow: `pull`, or `pull,push`."""
        self._reference = reference
        self._credentials = credentials
        self._hosts = hosts
        self._scope = f"repository:{reference.path}:{actions}"
        self._backoff = backoff
        self._transports: list[Transport] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        domain = self._reference.domain
        for endpoint in await asyncio.to_thread(self._hosts.endpoints, domain):
            transport = Transport(endpoint, domain, self._credentials, self._scope, self._backoff)
            self._transports.append(await self._open.enter_async_context(transport))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def transport(self, wanted: Capability) -> Transport:
        """The first host that can do so. Raises NotFound."""
        return self._able(wanted)[0]

    def _able(self, wanted: Capability) -> list[Transport]:
        found = [t for t in self._transports if wanted in t.endpoint.capabilities]
        if not found:
            name = str(wanted.name or "resolve").lower()
            raise NotFound(f"no {name} hosts: not found")
        return found

    async def resolve(self, reference: Reference) -> Descriptor:
        """What the tag or digest stands for now, on the first host that knows it.

        Raises NotFound; NotFound too for a document above MANIFEST_SIZE_MAX, as containerd does.
        """
        by_tag = Capability.PULL | Capability.RESOLVE
        failures: list[RunnerError] = []
        for transport in self._able(Capability.PULL if reference.digest else by_tag):
            try:
                return await self._resolve(transport, reference)
            except RunnerError as err:
                failures.append(err)
        failure = max(failures, key=_relevance)
        prefix = f'failed to resolve reference "{reference}"'
        if isinstance(failure, AuthorizationFailed):
            prefix += ": pull access denied, repository does not exist or may require authorization"
        raise failure.wrap(prefix) from failure

    async def _resolve(self, transport: Transport, reference: Reference) -> Descriptor:
        path = self._path("manifests", reference.digest or reference.tag or "")
        response = await self._ask(transport, path, reference)
        async with response:
            digest = reference.digest or response.headers.get("Docker-Content-Digest")
            size = response.content_length
            if digest is None or size is None:
                return await self._resolve_by_content(transport, path, reference)
            if size > MANIFEST_SIZE_MAX:
                raise NotFound(f"rejecting {size} byte manifest for {reference}: not found")
            if not digests.is_digest(digest):
                raise InvalidParameter(f'"{digest}" in header not a valid digest')
            return Descriptor(_media_type(response), digest, size)

    async def _ask(
        self, transport: Transport, path: str, reference: Reference
    ) -> aiohttp.ClientResponse:
        """HEAD, or GET for registries that do not know HEAD here."""
        try:
            return await transport.send("HEAD", path, {"Accept": _ACCEPT})
        except UnexpectedStatus as err:
            if err.status == 405:
                return await transport.send("GET", path, {"Accept": _ACCEPT})
            if err.status == 404:
                raise NotFound(f"{reference}: not found") from None
            raise

    async def _resolve_by_content(
        self, transport: Transport, path: str, reference: Reference
    ) -> Descriptor:
        """For registries that do not say the digest: that of what they send."""
        async with await transport.send("GET", path, {"Accept": _ACCEPT}) as response:
            data = await _read_document(response, reference)
            media_type = _media_type(response)
        return Descriptor(media_type, reference.digest or digests.of(data), len(data))

    async def document(self, descriptor: Descriptor) -> bytes:
        """An index, manifest or config, held to its size and digest.

        Raises DataLoss when it is other than its descriptor says, NotFound.
        """
        limit = MANIFEST_SIZE_MAX if is_document(descriptor.media_type) else CONFIG_SIZE_MAX
        if descriptor.size > limit:
            raise InvalidParameter(
                f"rejecting {descriptor.size} byte {descriptor.media_type} {descriptor.digest}"
            )
        received = bytearray()

        async def keep(chunk: bytes) -> None:
            received.extend(chunk)

        await self.copy(descriptor, keep)
        if not digests.matches(descriptor.digest, bytes(received)):
            raise DataLoss(
                f"unexpected commit digest {digests.of(bytes(received))}, "
                f"expected {descriptor.digest}: failed precondition"
            )
        return bytes(received)

    async def copy(self, descriptor: Descriptor, sink: Sink, offset: int = 0) -> None:
        """Send the blob's bytes from `offset` on to the sink, exactly as many as there must be.

        A broken download goes on where it broke, as long as it gets anywhere, then on the next
        host. The digest is for the caller to check: it may have the first bytes from elsewhere.
        Raises NotFound, DataLoss when the registry has more or fewer bytes than the descriptor
        says, and what the sink raises.
        """
        download = _Download(descriptor, sink, offset)
        *others, last = self._able(Capability.PULL)
        for transport in others:
            try:
                return await self._copy(transport, download)
            except _OF_ONE_HOST as err:
                log.info("%s: trying next host: %s", transport.endpoint.host, err)
        return await self._copy(last, download)

    async def _copy(self, transport: Transport, download: _Download) -> None:
        download.stalled = 0
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Interrupted),
            stop=lambda _: download.stalled >= _STALLED_MAX,
            wait=lambda _: transport.backoff * 2**download.stalled,
            reraise=True,
        )
        try:
            await retrying(self._copy_once, transport, download)
        except Interrupted as err:
            raise TransportError(err.message) from err

    async def _copy_once(self, transport: Transport, download: _Download) -> None:
        if download.complete:
            return
        descriptor = download.descriptor
        kind = "manifests" if is_document(descriptor.media_type) else "blobs"
        headers = {"Accept": f"{descriptor.media_type}, */*"}
        if download.offset:
            headers["Range"] = f"bytes={download.offset}-"
        try:
            path = self._path(kind, descriptor.digest)
            response = await transport.send("GET", path, headers)
        except UnexpectedStatus as err:
            if err.status == 404:
                raise NotFound(
                    f"could not fetch content descriptor {descriptor.digest} "
                    f"({descriptor.media_type}) from remote: not found"
                ) from None
            raise
        async with response:
            await download.receive(response)

    def _path(self, kind: str, name: str) -> str:
        return f"/{self._reference.path}/{kind}/{name}"

    async def tags(self) -> list[str]:
        """All tags of the repository, in the registry's order. Raises NotFound, DataLoss."""
        transport = self.transport(Capability.RESOLVE)
        found: list[str] = []
        path: str | None = f"/{self._reference.path}/tags/list"
        for _ in range(_TAG_PAGES_MAX):
            if path is None:
                return found
            page, path = await self._tag_page(transport, path)
            found += page
        raise DataLoss(f"{self._reference.path}: the registry's list of tags does not end")

    async def _tag_page(self, transport: Transport, path: str) -> tuple[list[str], str | None]:
        async with await transport.send("GET", path) as response:
            body = await _read_body(response, MANIFEST_SIZE_MAX)
            following = _next_page(response)
        if following is not None:
            following = following.removeprefix(transport.endpoint.path)
        return parse_tags(body), following


class _Download:
    """A blob on its way: what has come, and how often in a row nothing has."""

    def __init__(self, descriptor: Descriptor, sink: Sink, offset: int) -> None:
        self.descriptor = descriptor
        self.offset = offset
        self.stalled = 0
        self._sink = sink

    @property
    def complete(self) -> bool:
        return self.offset == self.descriptor.size

    async def receive(self, response: aiohttp.ClientResponse) -> None:
        """Take what the response has. Raises Interrupted when that is not all."""
        self.stalled += 1
        skip = self._skip(response)
        try:
            async for chunk in response.content.iter_chunked(CHUNK_SIZE):
                kept, skip = chunk[skip:], max(0, skip - len(chunk))
                if kept:
                    await self._take(kept)
        except (aiohttp.ClientError, TimeoutError) as err:
            raise Interrupted(f"{self.descriptor.digest}: {err}") from err
        if not self.complete:
            raise Interrupted(
                f"{self.descriptor.digest}: unexpected EOF "
                f"after {self.offset} of {self.descriptor.size} bytes"
            )

    def _skip(self, response: aiohttp.ClientResponse) -> int:
        """How many bytes come that we have already: all, from registries that ignore Range."""
        answered = response.headers.get("Content-Range", "")
        if response.status == 206 and self.offset:
            if not answered.startswith(f"bytes {self.offset}-"):
                raise TransportError(f"unhandled content range in response: {answered}")
            return 0
        return self.offset

    async def _take(self, chunk: bytes) -> None:
        if self.offset + len(chunk) > self.descriptor.size:
            raise DataLoss(
                f"{self.descriptor.digest}: the registry sends more than the "
                f"{self.descriptor.size} bytes that its descriptor says"
            )
        self.offset += len(chunk)
        self.stalled = 0
        await self._sink(chunk)


def _relevance(err: RunnerError) -> int:
    """Of several hosts' errors that which came furthest (dockerResolver.Resolve)."""
    if isinstance(err, UnexpectedStatus):
        return 3
    return 2 if isinstance(err, NotFound) else 1


def _media_type(response: aiohttp.ClientResponse) -> str:
    """The manifest's type; old registries send schema 1 as text/plain."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return min(mediatypes.DOCKER_SCHEMA1) if media_type == "text/plain" else media_type


def _next_page(response: aiohttp.ClientResponse) -> str | None:
    """The path of the Link header's next page, on this registry whatever host it names."""
    link = re.search(r'<([^>]*)>;\s*rel="?next"?', response.headers.get("Link", ""))
    try:
        return str(response.url.join(yarl.URL(link[1])).relative()) if link else None
    except ValueError as err:
        raise TransportError(f"invalid Link header: {err}") from err


async def _read_document(response: aiohttp.ClientResponse, reference: Reference) -> bytes:
    data = await _read_body(response, MANIFEST_SIZE_MAX + 1)
    if len(data) > MANIFEST_SIZE_MAX:
        raise NotFound(f"rejecting {len(data)} byte manifest for {reference}: not found")
    return data


async def _read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    try:
        return await read_capped(response, limit)
    except (aiohttp.ClientError, TimeoutError) as err:
        raise TransportError(f"{response.method} {response.url}: {err}") from err
