"""Loading archives (moby daemon/containerd/image_exporter.go LoadImage).

The archive is spooled and looked through before containerd gets any of it; then the blobs that its
images refer to go into the content store under a lease, and only when all are there and verified
do the images get their names. Whatever fails before leaves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.containerd.images import Image as Record
from runner.image import digest as digests
from runner.image import documents, lookup, mediatypes, records
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.archive import layout as layouts
from runner.image.archive.files import Archive
from runner.image.archive.spool import DEFAULT_LIMITS, Limits, spooled
from runner.image.ingest import ingest, ingest_document
from runner.image.manifests import platform_manifests
from runner.image.progress import Progress, silent
from runner.linux.threads import to_end
from runner.tar.compression import MAGIC_SIZE
from runner.trace import step
from runner.types.errors import DataLoss, InvalidParameter, NotFound, RunnerError
from runner.types.image import Descriptor, Platform, ProgressMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runner.containerd.content import Writer
    from runner.image.archive.files import File
    from runner.image.archive.layout import Layout
    from runner.image.manifests import PlatformManifest
    from runner.image.platform import Matcher
    from runner.image.store import ImageStore


async def load(
    store: ImageStore,
    stream: AsyncIterator[bytes],
    *,
    spool_dir: Path,
    platform: Platform | None = None,
    progress: Progress = silent,
    limits: Limits = DEFAULT_LIMITS,
) -> list[str]:
    """Load a docker-save archive or an OCI layout, compressed or not; the IDs of its images.

    With a platform only its manifests are loaded, and they must be complete; without, blobs that
    the archive lacks may be missing. Tells what was loaded, one line an image. Raises
    InvalidParameter for an archive that is damaged, hostile or no image, NotFound for one without
    the platform.
    """
    hold = store.containerd.leases.hold
    async with spooled(stream, spool_dir, limits) as fd, hold() as lease:
        archive = await to_end(Archive.read, fd, limits)
        layout = await _read_layout(store, archive)
        loading = _Loading(store, layout, platform, lease.id)
        with step("image.load", images=len(layout.images)):
            await loading.ingest_images()
        loaded = _records(layout.images)
        if platform is not None:
            await _verify_platform(store, loaded, platform)
        for record in loaded:
            await records.take_name(store.images, record)
        for record in loaded:
            await _unpack_and_tell(store, record, platform, progress)
    return [record.target.digest for record in loaded]


async def _read_layout(store: ImageStore, archive: Archive) -> Layout:
    if await to_end(layouts.is_oci, archive):
        return await to_end(layouts.read_oci, archive)
    items = await to_end(layouts.read_docker, archive)
    files = layouts.DockerFiles(archive)
    names = dict.fromkeys(name for item in items for name in item.layers)
    layers = [await to_end(files.layer, name) for name in names]
    stored = await _find_compressed(store, layers)
    return await to_end(layouts.make_layout, items, files, stored)


async def _find_compressed(store: ImageStore, layers: list[Descriptor]) -> layouts.Stored:
    """The blobs of which these layers are the uncompressed form."""
    label = mediatypes.LABEL_UNCOMPRESSED
    filters = [f'labels."{label}"=={layer.digest}' for layer in layers]
    found: layouts.Stored = {}
    if not filters:
        return found
    async for info in store.content.list(*filters):
        start = b""
        async for piece in store.content.read(info.digest, 0, min(MAGIC_SIZE, info.size)):
            start += piece
        found[info.labels[label]] = Descriptor("", info.digest, info.size), start
    return found


@dataclass(slots=True)
class _Loading:
    """One archive on its way into the content store."""

    store: ImageStore
    layout: Layout
    platform: Platform | None
    lease: str

    async def ingest_images(self) -> None:
        """All that the archive's images refer to, for the platform asked for or for all."""
        matcher = platforms.requested_or_default(self.platform)
        wanted = [image for image in self.layout.images if _is_wanted(image, matcher)]
        if not wanted:
            empty = "image might be filtered out"
            if self.platform is None:
                raise InvalidParameter(empty)
            shown = platforms.format_all(self.platform)
            raise NotFound(f"requested platform ({shown}) not found: {empty}")
        for image in wanted:
            if not await self._ingest(image, matcher):
                raise InvalidParameter(f"{image.digest} is not in the archive")

    async def _ingest(self, descriptor: Descriptor, matcher: Matcher, depth: int = 0) -> bool:
        """The blob and all beneath it; whether it is there.

        Children first, so that no document is ever in the store before what it refers to.
        """
        if not documents.is_document(descriptor.media_type):
            return await self._ingest_blob(descriptor)
        if depth == documents.DEPTH_MAX:
            raise documents.too_deep(descriptor.digest)
        data = await self._document(descriptor)
        if data is None:
            return self._missing(descriptor)
        children = documents.children(descriptor, data)
        for child in children:
            if _is_wanted(child, matcher):
                await self._ingest(child, matcher, depth + 1)
        await ingest_document(self.store.content, data, mediatypes.gc_labels(children))
        return True

    async def _document(self, descriptor: Descriptor) -> bytes | None:
        data = self.layout.made.get(descriptor.digest)
        if data is not None:
            return data
        file = self.layout.find(descriptor.digest)
        if file is None:
            return await self._stored_document(descriptor.digest)
        data = await to_end(file.read, documents.MANIFEST_SIZE_MAX)
        if len(data) != descriptor.size or not digests.matches(descriptor.digest, data):
            raise InvalidParameter(f"the archive's {descriptor.digest} has another digest or size")
        return data

    async def _stored_document(self, digest: str) -> bytes | None:
        try:
            return await self.store.content.read_all(digest, documents.MANIFEST_SIZE_MAX)
        except NotFound:
            return None

    async def _ingest_blob(self, descriptor: Descriptor) -> bool:
        file = self.layout.find(descriptor.digest)
        if file is None:
            await self.store.keep_blob(self.lease, descriptor)
            return await self.store.documents.has(descriptor.digest) or self._missing(descriptor)
        if file.size != descriptor.size:
            raise InvalidParameter(
                f"the archive's {descriptor.digest} has {file.size} bytes, not {descriptor.size}"
            )

        async def fill(writer: Writer) -> None:
            await _copy(_from(file, writer.offset), writer)

        try:
            await ingest(self.store.content, f"load-{descriptor.digest}", descriptor, fill)
        except DataLoss as err:
            raise InvalidParameter(
                f"the archive's {descriptor.digest} has another digest: {err.message}"
            ) from err
        return True

    def _missing(self, descriptor: Descriptor) -> bool:
        """Variants may be missing as long as none is asked for."""
        if self.platform is None:
            return False
        shown = platforms.format_all(self.platform)
        raise NotFound(
            f"requested platform ({shown}) found, but some content is missing: "
            f"NotFound: content digest {descriptor.digest}: not found"
        )


def _from(file: File, offset: int) -> File:
    """The file from the offset on."""
    return replace(file, offset=file.offset + offset, size=file.size - offset)


async def _copy(file: File, writer: Writer) -> None:
    chunks = file.chunks()
    while (chunk := await to_end(next, chunks, None)) is not None:
        await writer.write(chunk)


def _is_wanted(descriptor: Descriptor, matcher: Matcher) -> bool:
    return descriptor.platform is None or matcher.match(descriptor.platform)


def _records(images: list[Descriptor]) -> list[Record]:
    """A record for each name in the archive; a dangling one where there is no valid one."""
    found: list[Record] = []
    for target in images:
        name = target.annotations.get(mediatypes.ANNOTATION_IMAGE_NAME) or target.annotations.get(
            mediatypes.ANNOTATION_REF_NAME, ""
        )
        if name:
            found.append(Record(name, target))
        if not _is_reference(name):
            found.append(Record(lookup.dangling_name(target.digest), target))
    return found


def _is_reference(name: str) -> bool:
    try:
        references.parse(name)
    except InvalidParameter:
        return False
    return True


async def _verify_platform(store: ImageStore, loaded: list[Record], platform: Platform) -> None:
    """moby verifyImagesProvidePlatform."""
    matcher = platforms.only_strict(platform)
    shown = platforms.format_all(platform)
    lacking = [
        lookup.familiar_name(record)
        for record in loaded
        if not [m async for m in _matching(store, record, matcher)]
    ]
    if len(lacking) == 1:
        raise NotFound(
            f"image {lacking[0]} was loaded, but doesn't provide the requested platform ({shown})"
        )
    if lacking:
        raise NotFound(
            f"images [{', '.join(lacking)}] were loaded, but don't provide the requested platform "
            f"({shown})"
        )


async def _matching(
    store: ImageStore, record: Record, matcher: Matcher
) -> AsyncIterator[PlatformManifest]:
    async for manifest in platform_manifests(store.documents, record.target):
        if not manifest.is_pseudo and matcher.match(manifest.platform):
            yield manifest


async def _unpack_and_tell(
    store: ImageStore, record: Record, platform: Platform | None, progress: Progress
) -> None:
    """Unpack what this host can run. An image that cannot be unpacked is loaded all the same."""
    name, what = _shown_name(record)
    failure: RunnerError | None = None
    matcher = platforms.only_strict(platform) if platform else platforms.default()
    try:
        async for found in _matching(store, record, matcher):
            config, _ = await store.documents.config(found.manifest.config.digest)
            await store.unpacker.unpack(found.manifest.config.digest, config, found.manifest.layers)
    except RunnerError as err:
        failure = err
    progress(ProgressMessage(stream=f"{what}: {name}\n"))
    if failure is not None:
        progress(ProgressMessage(stream=f"Error unpacking image {name}: {failure}\n"))


def _shown_name(record: Record) -> tuple[str, str]:
    if lookup.is_dangling(record):
        return record.target.digest, "Loaded image ID"
    try:
        return references.parse(record.name).with_default_tag().familiar, "Loaded image"
    except InvalidParameter:
        return record.name, "Loaded image"
