"""Which of an image's manifests leave this host (moby image_push.go, getPushDescriptor)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.image import lookup, mediatypes
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.manifests import load_manifest, platform_not_found, reachable_manifests
from runner.types.errors import Conflict

if TYPE_CHECKING:
    from runner.containerd.images import Image as Record
    from runner.image.reference import Reference
    from runner.image.store import ImageStore
    from runner.types.image import Descriptor, Platform


async def choose_target(store: ImageStore, record: Record, platform: Platform | None) -> Descriptor:
    """The manifest for the platform; without one the whole image, or of an image that is not
    whole the manifest that is here, this host's first.

    Raises NotFound when there is none, Conflict when there are several and none is better.
    """
    whole, fitting = await _present_manifests(store, record, platform)
    if not fitting:
        raise platform_not_found(lookup.familiar_name(record), platform)
    if platform is not None:
        if len(fitting) > 1:
            shown = platforms.format_all(platform)
            raise Conflict(f"multiple manifests found for platform {shown}")
        return fitting[0][0]
    if whole:
        return record.target
    if len(fitting) == 1:
        return fitting[0][0]
    here = platforms.default()
    best, best_platform = min(fitting, key=lambda found: here.rank(found[1]))
    if not here.match(best_platform):
        raise Conflict("multiple matching manifests found but no specific platform requested")
    return best


async def _present_manifests(
    store: ImageStore, record: Record, platform: Platform | None
) -> tuple[bool, list[tuple[Descriptor, Platform]]]:
    """Whether everything of the image is here, and the complete manifests that fit."""
    matcher = platforms.requested_or_default(platform)
    whole, fitting = True, []
    for descriptor in await reachable_manifests(store.documents, record.target):
        if not await store.documents.is_complete(descriptor):
            whole = False
        elif mediatypes.ANNOTATION_ATTESTATION not in descriptor.annotations:
            found = (await load_manifest(store.documents, descriptor)).platform
            if matcher.match(found):
                fitting.append((descriptor, found))
    return whole, fitting


async def tags_of_repository(
    store: ImageStore, repository: Reference
) -> list[tuple[Record, Reference]]:
    """The images with a tag in the repository (getAllImagesWithRepository)."""
    found = [(r, references.parse_canonical(r.name)) for r in await store.images.list()]
    return [
        (record, reference)
        for record, reference in found
        if reference is not None
        and reference.name == repository.name
        and reference.tag is not None
        and reference.digest is None
    ]
