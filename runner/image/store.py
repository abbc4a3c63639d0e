"""The image store: containerd's, as dockerd sees it (moby daemon/containerd)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.containerd.images import Image as Record
from runner.containerd.leases import Resource
from runner.image import digest as digests
from runner.image import lookup, records
from runner.image import platform as platforms
from runner.image.inspect import inspect
from runner.image.listing import ImageFilters, list_images
from runner.image.manifests import Documents, best_present, load_manifest, platform_not_found
from runner.image.mediatypes import LABEL_PARENT
from runner.image.registry.hosts import RegistryHosts
from runner.image.summary import no_containers
from runner.image.unpack import Unpacker

if TYPE_CHECKING:
    import builtins

    from runner.containerd.client import Containerd
    from runner.image.lookup import References
    from runner.image.reference import Reference
    from runner.image.summary import ContainersOf
    from runner.types.image import (
        Descriptor,
        ImageConfig,
        ImageInspect,
        ImageSummary,
        Manifest,
        Platform,
    )


EVERY_IMAGE = ImageFilters()


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform, as containers are made from it.

    `id` is the digest of `target`, which may be an index; `descriptor` is the chosen manifest's.
    `name` is the containerd record by which it was found.
    """

    id: str
    name: str
    target: Descriptor
    descriptor: Descriptor
    manifest: Manifest
    config: ImageConfig
    raw_config: bytes
    platform: Platform

    @property
    def config_digest(self) -> str:
        """The image config's digest (what the graph drivers' dockerd calls the ID)."""
        return self.manifest.config.digest

    @property
    def chain_id(self) -> str:
        """The name of the snapshot with all layers; empty for an image without layers."""
        return digests.chain_id(self.config.rootfs.diff_ids)

    @property
    def created(self) -> str | None:
        """When it was made, in RFC 3339, as its config says."""
        return self.config.created


class ImageStore:
    """Images of one containerd namespace, unpacked by one snapshotter.

    Every method raises InvalidParameter for a malformed reference and NotFound, with dockerd's
    texts, for one that names nothing.
    """

    def __init__(
        self,
        containerd: Containerd,
        snapshotter: str,
        registries: RegistryHosts = RegistryHosts(()),  # noqa: B008 (frozen)
    ) -> None:
        self.registries = registries
        self.containerd = containerd
        self.snapshotter = snapshotter
        self.images = containerd.images
        self.content = containerd.content
        self.snapshots = containerd.snapshots(snapshotter)
        self.documents = Documents(containerd.content)
        self.unpacker = Unpacker(containerd, snapshotter)

    async def keep(self, lease_id: str, target: Descriptor) -> None:
        """Have the lease hold all of the target that is here (moby leaseContent)."""
        async for blob in self.documents.walk_present(target):
            await self.keep_blob(lease_id, blob)

    async def keep_blob(self, lease_id: str, blob: Descriptor) -> None:
        """Have the lease hold this blob, whether or not it is here."""
        await self.containerd.leases.add_resource(lease_id, Resource("content", blob.digest))

    async def get(self, ref_or_id: str, platform: Platform | None = None) -> Image:
        """The image for the platform, by default for this host (moby GetImage).

        Without a platform asked for, one for another platform is found too, as `docker run` runs
        it with a warning. Raises NotFound when it is not there for the one asked for.
        """
        record = await self.resolve(ref_or_id)
        matcher = platforms.requested_or_default(platform)
        best = await best_present(self.documents, record.target, matcher)
        if best is None:
            raise platform_not_found(lookup.familiar_name(record), platform)
        return await self._image(record, best.descriptor)

    async def _image(self, record: Record, descriptor: Descriptor) -> Image:
        chosen = await load_manifest(self.documents, descriptor)
        config, raw = await self.documents.config(chosen.manifest.config.digest)
        return Image(
            id=record.target.digest,
            name=record.name,
            target=record.target,
            descriptor=descriptor,
            manifest=chosen.manifest,
            config=config,
            raw_config=raw,
            platform=chosen.platform,
        )

    async def resolve(self, ref_or_id: str) -> Record:
        """The containerd record that a name, digest or ID prefix means (moby resolveImage)."""
        return await lookup.resolve_image(self.images, ref_or_id)

    async def resolve_all(self, ref_or_id: str) -> References:
        """The same with all other records of that target (moby resolveAllReferences)."""
        return await lookup.resolve_all_references(self.images, ref_or_id)

    async def names(self, image_id: str) -> builtins.list[str]:
        """The familiar names of all records with this target, dangling ones left out."""
        found = await self.images.list(f"target.digest=={image_id}")
        return [lookup.familiar_name(record) for record in found if not lookup.is_dangling(record)]

    async def children(self, image_id: str) -> builtins.list[str]:
        """The IDs of the images that were made from this one (moby Children)."""
        found = await self.images.list(f"labels.{LABEL_PARENT}=={image_id}")
        return [record.target.digest for record in found]

    async def ensure_unpacked(self, image: Image) -> str:
        """The snapshot to build a container's root upon (moby getImageSnapshot).

        Unpacks what is not unpacked yet, which is the case for images of other platforms and those
        that other clients of containerd fetched. Raises DataLoss, NotFound for missing layers.
        """
        if not await self.unpacker.is_unpacked(image.config):
            async with self.containerd.leases.hold():
                await self.unpacker.unpack(image.config_digest, image.config, image.manifest.layers)
        return image.chain_id

    async def tag(self, ref_or_id: str, reference: Reference) -> str:
        """Name the image; returns its ID (moby TagImage). The reference needs its tag."""
        source = await self.resolve(ref_or_id)
        target = Record(str(reference), source.target, source.labels)
        await records.create_or_replace(self.images, target)
        return source.target.digest

    async def inspect(
        self,
        ref_or_id: str,
        platform: Platform | None = None,
        *,
        manifests: bool = False,
        containers_of: ContainersOf = no_containers,
    ) -> ImageInspect:
        """All that is known of an image (moby ImageInspect)."""
        return await inspect(
            self, ref_or_id, platform, manifests=manifests, containers_of=containers_of
        )

    async def list(
        self,
        filters: ImageFilters = EVERY_IMAGE,
        *,
        intermediate: bool = False,
        manifests: bool = False,
        shared_size: bool = False,
        containers_of: ContainersOf = no_containers,
    ) -> list[ImageSummary]:
        """The images, the newest first (moby Images)."""
        return await list_images(
            self,
            filters,
            intermediate=intermediate,
            manifests=manifests,
            shared_size=shared_size,
            containers_of=containers_of,
        )
