"""All manifests of an image with their sizes (moby image_list.go, multiPlatformSummary)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.image import digest as digests
from runner.image import mediatypes
from runner.image.manifests import PlatformManifest, load_manifest, reachable_manifests
from runner.types.errors import InvalidParameter, NotFound, RunnerError
from runner.types.image import (
    AttestationProperties,
    Descriptor,
    ImageProperties,
    ManifestSize,
    ManifestSummary,
    Platform,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.containerd.snapshots import Snapshots
    from runner.image.manifests import Documents
    from runner.image.platform import Matcher

log = logging.getLogger(__name__)

ContainersOf = Callable[[str], Sequence[str]]
"""The IDs of the containers made from the manifest with this digest."""

_ANNOTATION_ATTESTED = "vnd.docker.reference.digest"


def no_containers(_: str) -> Sequence[str]:
    """For those who have no containers to tell of."""
    return ()


@dataclass(slots=True)
class Summary:
    """What is known of an image over all its platforms. Sizes in bytes."""

    manifests: list[ManifestSummary] = field(default_factory=list)
    chain_ids: list[str] = field(default_factory=list)
    total_size: int = 0
    containers: int = 0
    best: PlatformManifest | None = None


class Summarizer:
    """Makes summaries of images of one store."""

    def __init__(
        self, documents: Documents, snapshots: Snapshots, containers_of: ContainersOf
    ) -> None:
        self._documents = documents
        self._snapshots = snapshots
        self._containers_of = containers_of
        self._usage: dict[str, int] = {}

    async def summarize(self, target: Descriptor, matcher: Matcher) -> Summary:
        """The summary of all manifests beneath the target; `best` is the matcher's choice.

        What cannot be read is logged and left out: one odd image must not hide all others.
        """
        summary = Summary()
        with _unless_unreadable(target):
            for descriptor in await reachable_manifests(self._documents, target):
                with _unless_unreadable(descriptor):
                    await self._add(summary, descriptor, matcher)
        return summary

    async def usage(self, chain_id: str) -> int:
        """What the layer's own snapshot takes; 0 when it is not unpacked."""
        if chain_id not in self._usage:
            try:
                self._usage[chain_id] = (await self._snapshots.usage(chain_id)).size
            except NotFound:
                self._usage[chain_id] = 0
        return self._usage[chain_id]

    async def _add(self, summary: Summary, descriptor: Descriptor, matcher: Matcher) -> None:
        content = await self._content_size(descriptor)
        item = ManifestSummary(
            id=descriptor.digest,
            descriptor=descriptor,
            available=await self._documents.is_complete(descriptor),
            size=ManifestSize(content, content),
        )
        summary.total_size += content
        summary.manifests.append(item)
        loaded = await self._load(descriptor)
        if _is_pseudo(descriptor, loaded):
            _describe_attestation(item)
            return
        item.kind = "image"
        if loaded is None or not item.available:
            item.image_data = ImageProperties(platform=descriptor.platform or _NO_PLATFORM)
            return
        item.image_data = ImageProperties(platform=loaded.platform)
        await self._add_image(summary, item, item.image_data, loaded)
        if matcher.match(loaded.platform) and _is_better(loaded, summary.best, matcher):
            summary.best = loaded

    async def _add_image(
        self,
        summary: Summary,
        item: ManifestSummary,
        image: ImageProperties,
        loaded: PlatformManifest,
    ) -> None:
        config, _ = await self._documents.config(loaded.manifest.config.digest)
        chain_ids = digests.chain_ids(config.rootfs.diff_ids)
        unpacked = sum([await self.usage(chain_id) for chain_id in chain_ids])
        containers = list(self._containers_of(item.id))
        image.containers = containers or None
        image.size.unpacked = unpacked
        item.size.total += unpacked
        summary.total_size += unpacked
        summary.chain_ids += chain_ids
        summary.containers += len(containers)

    async def _content_size(self, descriptor: Descriptor) -> int:
        return sum([blob.size async for blob in self._documents.walk_present(descriptor)])

    async def _load(self, descriptor: Descriptor) -> PlatformManifest | None:
        try:
            return await load_manifest(self._documents, descriptor)
        except NotFound:
            return None
        except InvalidParameter as err:
            _log_unreadable(descriptor, err)
            return None


@contextlib.contextmanager
def _unless_unreadable(descriptor: Descriptor) -> Iterator[None]:
    try:
        yield
    except (NotFound, InvalidParameter) as err:
        _log_unreadable(descriptor, err)


def _log_unreadable(descriptor: Descriptor, err: RunnerError) -> None:
    log.warning("cannot read all of %s: %s", descriptor.digest, err)


_NO_PLATFORM = Platform()


def _is_pseudo(descriptor: Descriptor, loaded: PlatformManifest | None) -> bool:
    if loaded is not None:
        return loaded.is_pseudo
    return mediatypes.ANNOTATION_ATTESTATION in descriptor.annotations


def _describe_attestation(item: ManifestSummary) -> None:
    about = item.descriptor.annotations.get(_ANNOTATION_ATTESTED, "")
    if mediatypes.ANNOTATION_ATTESTATION in item.descriptor.annotations and digests.is_digest(
        about
    ):
        item.kind = "attestation"
        item.attestation_data = AttestationProperties(about)


def _is_better(
    candidate: PlatformManifest, best: PlatformManifest | None, matcher: Matcher
) -> bool:
    return best is None or matcher.rank(candidate.platform) < matcher.rank(best.platform)
