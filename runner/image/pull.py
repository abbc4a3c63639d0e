"""Pulling (moby daemon/containerd/image_pull.go, containerd client/pull.go).

The registry says what the name stands for; index, manifest and config are fetched, then layers,
three at a time, while those that are complete are unpacked in order. Only when all is there does
the name change hands.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from runner.containerd.images import Image as Record
from runner.image import documents, lookup, mediatypes, records
from runner.image import platform as platforms
from runner.image.events import unreported
from runner.image.fetch import Fetcher
from runner.image.progress import Progress, PullProgress, silent, ticking
from runner.image.registry import Credentials, Registry
from runner.image.registry.errors import (
    NoMatchingManifest,
    TransportError,
    translate,
    translate_listing_error,
)
from runner.image.unpack import Observer
from runner.trace import step
from runner.types.errors import InvalidParameter, NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.image.events import Report
    from runner.image.platform import Matcher
    from runner.image.reference import Reference
    from runner.image.store import ImageStore
    from runner.types.image import Descriptor, ImageConfig, Manifest, Platform

MAX_CONCURRENT_DOWNLOADS = 3
"""dockerd's default for --max-concurrent-downloads."""

_HEAD_START = 0.5
"""Seconds that a large layer has the connection for itself."""

_LARGE = 4 << 20
"""Bytes from which on a layer's download is a matter of bandwidth and not of round trips."""

PULL_LEASE_LABEL = "moby/prune.images"
"""On leases that may outlive their pull: pruning takes these."""

_KEPT_FOR = timedelta(hours=8)
_RESUMABLE = (asyncio.CancelledError, TransportError)
"""After a cancelled pull dockerd leaves what has come for eight hours, for another pull to go on
with; here a pull whose connection broke is treated the same."""


async def pull(
    store: ImageStore,
    reference: Reference,
    *,
    platform: Platform | None = None,
    credentials: Credentials | None = None,
    progress: Progress = silent,
    report: Report = unreported,
) -> None:
    """Pull the tag or digest, or all tags for a bare name (moby PullImage).

    Raises dockerd's errors: NotFound, Unauthorized, Forbidden, DataLoss, and RunnerError for a
    registry that cannot be reached. A failed pull leaves nothing behind, one that was cancelled or
    whose connection broke only what the next one goes on with, for eight hours.
    Reports `pull` for each tag.
    """
    credentials = credentials or Credentials()
    if not reference.is_name_only:
        await _pull_tag(store, reference, platform, credentials, progress)
        await report("pull", reference.familiar, reference.familiar_name)
        return
    for tag in await _tags(store, reference, credentials):
        try:
            tagged = reference.with_tag(tag)
        except InvalidParameter:
            continue  # moby: invalid tag, won't pull
        try:
            await _pull_tag(store, tagged, platform, credentials, progress)
        except RunnerError as err:
            raise err.wrap(f"error pulling {tagged}") from err
        await report("pull", tagged.familiar, tagged.familiar_name)


async def _tags(store: ImageStore, reference: Reference, credentials: Credentials) -> list[str]:
    try:
        async with Registry(reference, credentials, hosts=store.registries) as registry:
            return await registry.tags()
    except RunnerError as err:
        raise translate_listing_error(err, reference) from err


async def _pull_tag(
    store: ImageStore,
    reference: Reference,
    platform: Platform | None,
    credentials: Credentials,
    tell: Progress,
) -> None:
    old = await _present(store, reference)
    shown = PullProgress(tell)
    leases = store.containerd.leases
    try:
        async with leases.hold(
            expires_in=_KEPT_FOR, kept_after=_RESUMABLE, labels={PULL_LEASE_LABEL: "true"}
        ) as lease:
            if old is not None:
                await store.keep_blob(lease.id, old.target)
            async with Registry(reference, credentials, hosts=store.registries) as registry:
                target = await _Pull(store, reference, registry, platform, shown).run()
            await records.take_name(store.images, Record(str(reference), target))
            await records.delete_if_there(store.images, lookup.dangling_name(target.digest))
    except RunnerError as err:
        raise translate(err, reference, platform) from err
    shown.message(f"Digest: {target.digest}")
    newer = old is None or old.target.digest != target.digest
    outcome = "Downloaded newer image for" if newer else "Image is up to date for"
    shown.message(f"Status: {outcome} {reference.familiar}")


async def _present(store: ImageStore, reference: Reference) -> Record | None:
    try:
        return await store.resolve(str(reference))
    except NotFound:
        return None


@dataclass(slots=True)
class _Pull:
    """One pull of one tag."""

    store: ImageStore
    reference: Reference
    registry: Registry
    platform: Platform | None
    shown: PullProgress

    async def run(self) -> Descriptor:
        """Fetch and unpack; the descriptor that the name stands for."""
        fetcher = Fetcher(self.store.content, self.registry, self.reference)
        with step("image.resolve", reference=str(self.reference)):
            target = await self.registry.resolve(self.reference)
        manifest = await self._manifest(fetcher, target)
        layers = _Layers(self.store, fetcher, manifest, self.shown)
        async with ticking(self.shown):
            await layers.fetch_and_unpack()
        return target

    async def _manifest(self, fetcher: Fetcher, target: Descriptor) -> Manifest:
        """Down through the indexes to the platform's manifest (images.LimitManifests)."""
        matcher = platforms.only(self.platform) if self.platform else platforms.default()
        descriptor = target
        for _ in range(documents.DEPTH_MAX):
            self._refuse(descriptor)
            if mediatypes.is_manifest(descriptor.media_type):
                return await self._take(fetcher, descriptor)
            data = await fetcher.document(descriptor)
            descriptor = choose(documents.parse_index(data).manifests, matcher)
        raise documents.too_deep(target.digest)

    async def _take(self, fetcher: Fetcher, descriptor: Descriptor) -> Manifest:
        tag = self.reference.tag or str(self.reference)
        self.shown.message(f"Pulling from {self.reference.path}", tag)
        here = await self.store.documents.has(descriptor.digest)
        manifest = documents.parse_manifest(await fetcher.document(descriptor))
        # dockerd says nothing of layers when there is nothing to download.
        self.shown.hidden = here and await self._has_all(manifest)
        return manifest

    async def _has_all(self, manifest: Manifest) -> bool:
        for blob in (manifest.config, *manifest.layers):
            if not await self.store.documents.has(blob.digest):
                return False
        return True

    def _refuse(self, descriptor: Descriptor) -> None:
        if descriptor.media_type in mediatypes.DOCKER_SCHEMA1:
            raise InvalidParameter(
                "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has "
                f"been removed. Suggest the author of {self.reference} to upgrade the image to the "
                "OCI Format or Docker Image manifest v2, schema 2. More information at "
                "https://docs.docker.com/go/deprecated-image-specs/"
            )
        if not documents.is_document(descriptor.media_type):
            raise InvalidParameter(f"unsupported media type {descriptor.media_type}")


class _Layers(Observer):
    """The layers of one manifest: downloads side by side, unpacking behind them."""

    def __init__(
        self, store: ImageStore, fetcher: Fetcher, manifest: Manifest, shown: PullProgress
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._manifest = manifest
        self._shown = shown
        self._free = asyncio.Semaphore(MAX_CONCURRENT_DOWNLOADS)
        self._here = {layer.digest: asyncio.Event() for layer in manifest.layers}
        self._unpacked: set[str] = set()

    async def fetch_and_unpack(self) -> None:
        """Fetch config and layers and unpack them. Raises the first error of any."""
        config = self._manifest.config
        parsed = documents.parse_config(await self._fetcher.document(config))
        await self._hide_present(parsed)
        for layer in self._manifest.layers:
            self._shown.waiting(layer)
        try:
            async with asyncio.TaskGroup() as tasks:
                layers = self._manifest.layers
                tasks.create_task(self._fetch_in_turn(tasks))
                tasks.create_task(self._store.unpacker.unpack(config.digest, parsed, layers, self))
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def _fetch_in_turn(self, tasks: asyncio.TaskGroup) -> None:
        """The lowest layers first: unpacking, which is slower than a near registry, waits for
        them. A far registry is asked for several at once soon enough."""
        for layer in {layer.digest: layer for layer in self._manifest.layers}.values():
            await self._free.acquire()
            received = asyncio.Event()
            tasks.create_task(self._fetch(layer, received))
            if layer.size >= _LARGE:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HEAD_START):
                        await received.wait()

    async def _hide_present(self, config: ImageConfig) -> None:
        """Nothing is said of the lowest layers that are here and unpacked, as containerd's
        unpacker does not ask for them."""
        here = await self._store.unpacker.unpacked_layers(config)
        for layer in self._manifest.layers[:here]:
            if await self._store.documents.has(layer.digest):
                self._shown.hide(layer)

    async def _fetch(self, layer: Descriptor, received: asyncio.Event) -> None:
        def progressed(offset: int) -> None:
            self._shown.downloading(layer, offset)
            if offset == layer.size:
                received.set()

        try:
            new = await self._fetcher.layer(layer, progressed)
        finally:
            received.set()
            self._free.release()
        if new:
            self._shown.downloaded(layer)
        else:
            self._shown.exists(layer)
        self._here[layer.digest].set()
        if layer.digest in self._unpacked:
            self._shown.unpacked(layer)

    async def available(self, layer: Descriptor) -> None:
        await self._here[layer.digest].wait()

    def extracting(self, layer: Descriptor) -> None:
        self._shown.extracting(layer)

    def unpacked(self, layer: Descriptor) -> None:
        self._unpacked.add(layer.digest)
        # A snapshot shared with another image may be there before the layer is.
        if self._here[layer.digest].is_set():
            self._shown.unpacked(layer)


def choose(manifests: Sequence[Descriptor], matcher: Matcher) -> Descriptor:
    """The manifest for the platform; one that names none only where no other fits.

    Raises NoMatchingManifest.
    """
    fitting = [m for m in manifests if m.platform is None or matcher.match(m.platform)]
    if not fitting:
        raise NoMatchingManifest("no match for platform in manifest: not found")
    return min(fitting, key=matcher.order)


def _first(group: BaseExceptionGroup) -> BaseException:
    """The error that ended a group of tasks."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
