"""Uploading to one repository (containerd core/remotes/docker/pusher.go)."""

from __future__ import annotations

import enum
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import yarl

from runner.image import mediatypes
from runner.image.registry.endpoint import Capability
from runner.image.registry.errors import AuthorizationFailed, TransportError, UnexpectedStatus
from runner.types.errors import DataLoss, RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiohttp

    from runner.image.reference import Reference
    from runner.image.registry.client import Registry
    from runner.types.image import Descriptor

log = logging.getLogger(__name__)


class Outcome(enum.Enum):
    """How a blob came to be in the repository."""

    PUSHED = "pushed"
    MOUNTED = "mounted"
    EXISTS = "exists"


class Pusher:
    """Uploads what the repository does not have yet. The registry must be open for pushing."""

    def __init__(self, registry: Registry, reference: Reference, target: Descriptor) -> None:
        self._transport = registry.transport(Capability.PUSH)
        self._repository = reference.path
        self._tag = reference.tag
        self._target = target.digest

    async def manifest(self, descriptor: Descriptor, data: bytes) -> Outcome:
        """Put a manifest or index; the target goes under the tag."""
        name = descriptor.digest
        if name == self._target and self._tag is not None:
            name = self._tag
        path = self._path("manifests", name)
        if await self._exists(path, descriptor):
            return Outcome.EXISTS
        headers = {"Content-Type": descriptor.media_type}
        async with await self._transport.send("PUT", path, headers, lambda: data) as response:
            _check_digest(response, descriptor)
        return Outcome.PUSHED

    async def offer(self, descriptor: Descriptor, mount: str | None) -> Outcome | yarl.URL:
        """Have a blob mounted from the repository `mount` of the same registry, unless it is there
        already; else where it is to be uploaded. Raises TransportError, UnexpectedStatus."""
        if await self._exists(self._path("blobs", descriptor.digest), descriptor):
            return Outcome.EXISTS
        async with await self._begin(descriptor, mount) as response:
            if response.status == 201:
                return Outcome.MOUNTED
            return _upload_url(response, descriptor)

    async def upload(
        self, descriptor: Descriptor, url: yarl.URL, pieces: Callable[[], AsyncIterator[bytes]]
    ) -> None:
        """Upload a blob. One that breaks is not gone on with."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(descriptor.size),
        }
        sending = self._transport.send("PUT", url, headers, pieces, attempts=1)
        async with await sending as response:
            _check_digest(response, descriptor)

    async def _exists(self, path: str, descriptor: Descriptor) -> bool:
        headers = {"Accept": f"{descriptor.media_type}, */*"}
        try:
            async with await self._transport.send("HEAD", path, headers) as response:
                found = response.headers.get("Docker-Content-Digest")
        except UnexpectedStatus as err:
            if err.status == 404:
                return False
            raise
        except AuthorizationFailed as err:
            log.debug("unable to check existence, continuing with push: %s", err)
            return False
        return path.endswith(descriptor.digest) or found == descriptor.digest

    async def _begin(self, descriptor: Descriptor, mount: str | None) -> aiohttp.ClientResponse:
        """Begin an upload, or have the blob mounted: 201 says that it is."""
        path = self._path("blobs", "uploads/")
        if mount is not None and (mounted := await self._mount(path, descriptor, mount)):
            return mounted
        try:
            return await self._transport.send("POST", path)
        except AuthorizationFailed as err:
            raise err.wrap(
                "push access denied, repository does not exist or may require authorization"
            ) from err

    async def _mount(
        self, path: str, descriptor: Descriptor, mount: str
    ) -> aiohttp.ClientResponse | None:
        """None when that repository is closed to us: then the blob is uploaded."""
        query = f"mount={quote(descriptor.digest)}&from={quote(mount, safe='')}"
        scope = f"repository:{mount}:pull"
        try:
            return await self._transport.send("POST", f"{path}?{query}", also=scope)
        except AuthorizationFailed as err:
            log.debug("failed to mount from repository %s: %s", mount, err)
        except UnexpectedStatus as err:
            if err.status != 401:
                raise
        return None

    def _path(self, kind: str, name: str) -> str:
        return f"/{self._repository}/{kind}/{name}"


def mount_candidate(reference: Reference, labels: dict[str, str]) -> str | None:
    """The repository to mount from: on the same registry, with the most leading components in
    common (selectRepositoryMountCandidate)."""
    best, most = None, 0
    for repository in labels.get(mediatypes.origin_label(reference.domain), "").split(","):
        common = _common_components(repository, reference.path)
        if repository and repository != reference.path and common >= most:
            best, most = repository, common
    return best


def _common_components(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(map(_depth, (one, other))))


def _depth(repository: str) -> int:
    return repository.count("/") + 1


def _upload_url(response: aiohttp.ClientResponse, descriptor: Descriptor) -> yarl.URL:
    location = response.headers.get("Location", "")
    try:
        url = response.url.join(yarl.URL(location))
    except ValueError as err:
        raise TransportError(f"unable to parse location {location}: {err}") from err
    return url.update_query({"digest": descriptor.digest})


def _check_digest(response: aiohttp.ClientResponse, descriptor: Descriptor) -> None:
    actual = response.headers.get("Docker-Content-Digest")
    if actual is None:
        raise RunnerError("invalid content digest in response: invalid checksum digest format")
    if actual != descriptor.digest:
        raise DataLoss(f"got digest {actual}, expected {descriptor.digest}")
