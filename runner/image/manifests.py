"""The documents of an image as they are in the content store (moby image_manifest.go).

What a digest names never changes, so parsed documents are kept: looking an image up again costs
one call to containerd instead of four.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.image import documents, mediatypes
from runner.image import platform as platforms
from runner.types.errors import InvalidParameter, NotFound
from runner.types.image import Descriptor, ImageConfig, Index, Manifest, Platform

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from runner.containerd.content import Content
    from runner.image.platform import Matcher

_CACHED_MAX = 256


class Documents:
    """Indexes, manifests and configs of the content store, parsed.

    Raises NotFound for what is not there, InvalidParameter for what cannot be parsed.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._cache: OrderedDict[tuple[str, str], tuple[bytes, object]] = OrderedDict()

    async def index(self, digest: str) -> Index:
        """The index or manifest list."""
        _, parsed = await self._read("index", digest, documents.parse_index)
        assert isinstance(parsed, Index)
        return parsed

    async def manifest(self, digest: str) -> Manifest:
        """The manifest."""
        _, parsed = await self._read("manifest", digest, documents.parse_manifest)
        assert isinstance(parsed, Manifest)
        return parsed

    async def config(self, digest: str) -> tuple[ImageConfig, bytes]:
        """The image config, parsed and raw."""
        raw, parsed = await self._read("config", digest, documents.parse_config)
        assert isinstance(parsed, ImageConfig)
        return parsed, raw

    async def children(self, descriptor: Descriptor) -> list[Descriptor]:
        """What the blob refers to; nothing for layers and configs."""
        if mediatypes.is_index(descriptor.media_type):
            return (await self.index(descriptor.digest)).manifests
        if mediatypes.is_manifest(descriptor.media_type):
            manifest = await self.manifest(descriptor.digest)
            return [manifest.config, *manifest.layers]
        return []

    async def has(self, digest: str) -> bool:
        """Whether the blob is in the store now."""
        try:
            await self.content.info(digest)
        except NotFound:
            return False
        return True

    async def is_complete(self, manifest: Descriptor) -> bool:
        """Whether the manifest, its config and all layers are there (containerd images.Check)."""
        try:
            children = await self.children(manifest)
        except NotFound:
            return False
        return await self.has(manifest.digest) and all(
            [await self.has(child.digest) for child in children]
        )

    async def walk_present(self, target: Descriptor) -> AsyncIterator[Descriptor]:
        """The target and all beneath it that is present, depth first (walkPresentChildren)."""
        if not await self.has(target.digest):
            return
        yield target
        for child in await self.children(target):
            async for found in self.walk_present(child):
                yield found

    async def _read(
        self, kind: str, digest: str, parse: Callable[[bytes], object]
    ) -> tuple[bytes, object]:
        key = (kind, digest)
        if (found := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return found
        raw = await self.content.read_all(digest, documents.CONFIG_SIZE_MAX)
        found = self._cache[key] = raw, parse(raw)
        if len(self._cache) > _CACHED_MAX:
            self._cache.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """A manifest of an image, that of one platform."""

    descriptor: Descriptor
    manifest: Manifest
    platform: Platform

    @property
    def is_pseudo(self) -> bool:
        """No image of a system but an attestation or other artifact (moby IsPseudoImage)."""
        if mediatypes.ANNOTATION_ATTESTATION in self.descriptor.annotations:
            return True
        if (self.platform.os, self.platform.architecture) == ("unknown", "unknown"):
            return True
        layers = self.manifest.layers
        return bool(layers) and not any(mediatypes.is_layer(layer.media_type) for layer in layers)


async def platform_manifests(
    documents_: Documents, target: Descriptor
) -> AsyncIterator[PlatformManifest]:
    """The image's manifests that are present (moby walkImageManifests).

    Raises InvalidParameter when the target is no image.
    """
    for descriptor in await reachable_manifests(documents_, target):
        if await documents_.has(descriptor.digest):
            yield await load_manifest(documents_, descriptor)


async def reachable_manifests(documents_: Documents, target: Descriptor) -> list[Descriptor]:
    """The manifests that the target leads to, present or not (moby walkReachableImageManifests).

    Raises InvalidParameter when the target is no image.
    """
    if mediatypes.is_manifest(target.media_type):
        return [target]
    if not mediatypes.is_index(target.media_type):
        raise InvalidParameter("descriptor is neither a manifest or index")
    try:
        index = await documents_.index(target.digest)
    except NotFound:
        return []
    return [
        found
        for child in index.manifests
        if documents.is_document(child.media_type)
        for found in await reachable_manifests(documents_, child)
    ]


async def load_manifest(documents_: Documents, descriptor: Descriptor) -> PlatformManifest:
    """A manifest with its platform: the descriptor's or, where that is silent, the config's."""
    manifest = await documents_.manifest(descriptor.digest)
    platform = descriptor.platform or await _config_platform(documents_, manifest)
    return PlatformManifest(descriptor, manifest, platform)


async def _config_platform(documents_: Documents, manifest: Manifest) -> Platform:
    if not mediatypes.is_config(manifest.config.media_type):
        return Platform()  # an artifact, whose config may be anything
    config, _ = await documents_.config(manifest.config.digest)
    return Platform(
        architecture=config.architecture,
        os=config.os,
        os_version=config.os_version,
        variant=config.variant,
    )


async def best_present(
    documents_: Documents, target: Descriptor, matcher: Matcher
) -> PlatformManifest | None:
    """The present manifest that fits the platform best (moby getBestPresentImageManifest).

    Those that fit best by the index are looked at first, for every look is a call to containerd.
    """

    def rank(descriptor: Descriptor) -> int:
        return -1 if descriptor.platform is None else matcher.rank(descriptor.platform)

    best: PlatformManifest | None = None
    for descriptor in sorted(await reachable_manifests(documents_, target), key=rank):
        if best is not None and rank(descriptor) >= matcher.rank(best.platform):
            break
        if not await documents_.has(descriptor.digest):
            continue
        candidate = await load_manifest(documents_, descriptor)
        if candidate.is_pseudo or not matcher.match(candidate.platform):
            continue
        if best is None or matcher.rank(candidate.platform) < matcher.rank(best.platform):
            best = candidate
    return best


def platform_not_found(reference: str, wanted: Platform | None) -> NotFound:
    """moby's errPlatformNotFound."""
    provided = (
        f"the specified platform ({platforms.format_all(wanted)})" if wanted else "any platform"
    )
    return NotFound(f"image with reference {reference} was found but does not provide {provided}")
