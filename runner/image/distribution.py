"""What a registry has under a name, without pulling it (moby router/distribution)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.image import documents, mediatypes
from runner.image.registry import Credentials, Registry
from runner.image.registry.errors import translate
from runner.types import gojson
from runner.types.errors import RunnerError
from runner.types.image import (
    MEDIA_TYPE_DOCKER_MANIFEST,
    Descriptor,
    DistributionInspect,
    Platform,
)

if TYPE_CHECKING:
    from runner.image.reference import Reference
    from runner.image.registry.hosts import RegistryHosts


async def inspect_remote(
    hosts: RegistryHosts, reference: Reference, credentials: Credentials
) -> DistributionInspect:
    """The target's descriptor, and the platforms that it is for. Raises NotFound."""
    reference = reference.with_default_tag()
    try:
        async with Registry(reference, credentials, hosts=hosts) as registry:
            target = await registry.resolve(reference)
            data = await registry.document(target)
            return DistributionInspect(target, await _platforms(registry, target, data) or None)
    except RunnerError as err:
        raise translate(err, reference, None) from err


async def _platforms(registry: Registry, target: Descriptor, data: bytes) -> list[Platform]:
    if mediatypes.is_index(target.media_type):
        children = documents.parse_index(data).manifests
        return [child.platform or Platform() for child in children]
    if target.media_type != MEDIA_TYPE_DOCKER_MANIFEST:
        return []  # dockerd does not look into OCI's
    config = documents.parse_manifest(data).config
    try:
        platform = gojson.decode(await registry.document(config), Platform)
    except (RunnerError, msgspec.DecodeError):
        return []
    return [platform] if platform.os or platform.architecture else []
