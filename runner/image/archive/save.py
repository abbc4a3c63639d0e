"""Saving images (moby image_exporter.go ExportImage, containerd core/images/archive/exporter.go).

The archive is an OCI layout, and has the manifest.json by which a Docker without containerd's
store loads it. Its members are sorted and carry no times: the same images give the same bytes.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from runner.image import digest as digests
from runner.image import lookup, mediatypes
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.events import unreported
from runner.image.selection import choose_target, tags_of_repository
from runner.tar.header import BLOCK, DIRECTORY, REGULAR, ZERO_BLOCK, Header, encode
from runner.types.errors import DataLoss, InvalidParameter, NotFound, RunnerError
from runner.types.image import MEDIA_TYPE_OCI_INDEX, Descriptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from runner.containerd.images import Image as Record
    from runner.image.events import Report
    from runner.image.reference import Reference
    from runner.image.store import ImageStore
    from runner.types.image import Platform

_NAME_ANNOTATIONS = frozenset({mediatypes.ANNOTATION_IMAGE_NAME, mediatypes.ANNOTATION_REF_NAME})


@asynccontextmanager
async def saving(
    store: ImageStore,
    names: Sequence[str],
    platform: Platform | None = None,
    report: Report = unreported,
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The archive of the images, in pieces, while their content is kept from the collector.

    A name without tag means all tags of the repository. Raises NotFound and InvalidParameter
    before the first piece. Reports `save` for each image.
    """
    async with AsyncExitStack() as resources:
        lease = await resources.enter_async_context(store.containerd.leases.hold())
        export = _Export(store, platform, lease.id, report)
        for name in names:
            await export.add(name)
        yield await export.archive()


@dataclass(slots=True)
class _DockerItem:
    """An item of manifest.json: a manifest and its names."""

    manifest: Descriptor
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Export:
    """What is to be saved."""

    store: ImageStore
    platform: Platform | None
    lease: str
    report: Report
    targets: list[Descriptor] = field(default_factory=list)
    blobs: dict[str, Descriptor] = field(default_factory=dict)
    items: dict[str, _DockerItem] = field(default_factory=dict)

    async def add(self, name: str) -> None:
        """Take an image, or all of a repository."""
        record: Record | None = None
        failure: RunnerError | None = None
        try:
            record = await self.store.resolve(name)
        except RunnerError as err:
            failure = err
        reference = references.parse(name)
        by_digest = reference.digest is not None or (
            record is not None and _is_id(name, record.target.digest)
        )
        if (record is None or not by_digest) and reference.is_name_only:
            await self._add_repository(reference)
        elif record is None:
            assert failure is not None
            raise failure
        else:
            await self._add_image(record, None if by_digest else reference)

    async def _add_repository(self, repository: Reference) -> None:
        found = await tags_of_repository(self.store, repository)
        if not found:
            raise lookup.no_such_image(repository)
        for record, reference in found:
            await self._add_image(record, reference)

    async def _add_image(self, record: Record, reference: Reference | None) -> None:
        target = record.target
        if self.platform is not None:
            try:
                target = await choose_target(self.store, record, self.platform)
            except RunnerError as err:
                raise err.wrap("no suitable export target found") from err
        await self.store.keep(self.lease, target)
        self.targets.append(await self._described(target, reference))
        await self.report("save", target.digest, target.digest)

    async def _described(self, target: Descriptor, reference: Reference | None) -> Descriptor:
        """The target as index.json names it: with its name, and where it came from."""
        annotations = {k: v for k, v in target.annotations.items() if k not in _NAME_ANNOTATIONS}
        if reference is not None:
            annotations[mediatypes.ANNOTATION_IMAGE_NAME] = str(reference)
            annotations[mediatypes.ANNOTATION_REF_NAME] = _short_name(reference)
        labels = (await self.store.content.info(target.digest)).labels
        origin = mediatypes.LABEL_DISTRIBUTION_SOURCE
        annotations |= {key: value for key, value in labels.items() if key.startswith(origin)}
        ordered = dict(sorted(annotations.items()))
        return msgspec.structs.replace(target, annotations=ordered)

    async def archive(self) -> AsyncIterator[bytes]:
        """The tar's pieces. Raises NotFound for what is missing, before the first of them."""
        for target in self.targets:
            await self._collect(target)
        members = [*self._documents(), *self._folders(), *self._blob_members()]
        if self.items:
            data = _json([await self._docker_item(item) for item in self.items.values()])
            members.append(_Member("manifest.json", 0o644, len(data), lambda: _once(data)))
        return _tar(sorted(members, key=lambda member: member.name))

    async def _collect(self, target: Descriptor) -> None:
        if mediatypes.is_manifest(target.media_type):
            await self._collect_blobs(target)
            item = self.items.setdefault(target.digest, _DockerItem(target))
        elif mediatypes.is_index(target.media_type):
            found = await self._collect_index(target)
            if found is None:
                return
            item = found
        else:
            raise InvalidParameter("only manifests may be exported: invalid argument")
        if name := target.annotations.get(mediatypes.ANNOTATION_IMAGE_NAME):
            item.names.append(references.parse(name).with_default_tag().familiar)

    async def _collect_index(self, target: Descriptor) -> _DockerItem | None:
        """All that is here of the index. manifest.json gets what suits this host best."""
        self.blobs[target.digest] = target
        matcher = platforms.requested_or_default(self.platform)
        children = (await self.store.documents.index(target.digest)).manifests
        for child in children:
            await self._collect_blobs(child)
        manifests = [child for child in children if mediatypes.is_manifest(child.media_type)]
        here = [child for child in manifests if await self.store.documents.is_complete(child)]
        if not here:
            return None
        best = min(here, key=matcher.order)
        return self.items.setdefault(best.digest, _DockerItem(best))

    async def _collect_blobs(self, descriptor: Descriptor) -> None:
        """The blob and all beneath it, of a manifest that is not complete only itself."""
        if not await self.store.documents.has(descriptor.digest):
            return
        if not mediatypes.is_nondistributable(descriptor.media_type):
            self.blobs[descriptor.digest] = descriptor
        is_manifest = mediatypes.is_manifest(descriptor.media_type)
        if is_manifest and not await self.store.documents.is_complete(descriptor):
            return
        for child in await self.store.documents.children(descriptor):
            await self._collect_blobs(child)

    def _documents(self) -> list[_Member]:
        layout = _json({"imageLayoutVersion": "1.0.0"})
        index = _json(
            {"schemaVersion": 2, "mediaType": MEDIA_TYPE_OCI_INDEX, "manifests": self.targets}
        )
        return [
            _Member("oci-layout", 0o444, len(layout), lambda: _once(layout)),
            _Member("index.json", 0o644, len(index), lambda: _once(index)),
        ]

    def _folders(self) -> list[_Member]:
        algorithms = {digest.partition(":")[0] for digest in self.blobs}
        names = ["blobs/", *(f"blobs/{algorithm}/" for algorithm in algorithms)]
        return [_Member(name, 0o755, 0, None) for name in names if algorithms]

    def _blob_members(self) -> list[_Member]:
        return [
            _Member(_path(blob), 0o444, blob.size, lambda blob=blob: self._read(blob))  # type: ignore[misc]
            for blob in self.blobs.values()
        ]

    async def _read(self, blob: Descriptor) -> AsyncIterator[bytes]:
        """The blob, checked as it goes by."""
        running, size = digests.hasher(blob.digest), 0
        async for piece in self.store.content.read(blob.digest):
            running.update(piece)
            size += len(piece)
            yield piece
        if size != blob.size or not blob.digest.endswith(f":{running.hexdigest()}"):
            raise DataLoss(f"unexpected digest of {blob.digest} in the content store")

    async def _docker_item(self, item: _DockerItem) -> dict[str, Any]:
        try:
            manifest = await self.store.documents.manifest(item.manifest.digest)
        except NotFound as err:
            raise err.wrap("unable to create manifests file") from err
        return {
            "Config": _path(manifest.config),
            "RepoTags": item.names or None,
            "Layers": [_path(layer) for layer in manifest.layers],
        }


def _is_id(name: str, image_id: str) -> bool:
    algorithm, _, encoded = image_id.partition(":")
    return encoded.startswith(name.removeprefix(f"{algorithm}:"))


def _short_name(reference: Reference) -> str:
    """containerd ociReferenceName: what comes after the name."""
    return reference.tag or f"@{reference.digest}"


def _path(blob: Descriptor) -> str:
    algorithm, _, encoded = blob.digest.partition(":")
    return f"blobs/{algorithm}/{encoded}"


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


# --- the tar ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Member:
    """A member; without `read` it is a directory."""

    name: str
    mode: int
    size: int
    read: Callable[[], AsyncIterator[bytes]] | None

    def header(self) -> bytes:
        kind = DIRECTORY if self.read is None else REGULAR
        return encode(Header(self.name.encode(), kind, self.mode, size=self.size))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _tar(members: Sequence[_Member]) -> AsyncIterator[bytes]:
    for member in members:
        yield member.header()
        if member.read is None:
            continue
        async for piece in member.read():
            yield piece
        yield bytes(-member.size % BLOCK)
    yield 2 * ZERO_BLOCK
