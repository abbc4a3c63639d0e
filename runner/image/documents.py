"""Parsing indexes, manifests and image configs that others wrote.

Go's JSON habits hold (null is the zero value, keys fold), as containerd reads these documents.
"""

from __future__ import annotations

from typing import Any

import msgspec

from runner.image import digest as digests
from runner.image import mediatypes, times
from runner.types import gojson
from runner.types.errors import InvalidParameter
from runner.types.image import Descriptor, ImageConfig, Index, Manifest
from runner.types.wire import from_wire

MANIFEST_SIZE_MAX = 4 << 20
"""Bytes an index or manifest may have. The distribution specification asks registries to take
manifests of 4 MiB; containerd refuses more (MaxManifestSize), and it is held in memory."""

CONFIG_SIZE_MAX = 20 << 20
"""Bytes an image config may have: it is held in memory too. The largest that are known, with
thousands of history entries, stay below 1 MiB."""

DEPTH_MAX = 8
"""Indexes within indexes; real ones have two levels."""


def too_deep(digest: str) -> InvalidParameter:
    """The refusal of an image that goes on below `DEPTH_MAX`."""
    return InvalidParameter(f"{digest}: index within index, more than {DEPTH_MAX} deep")


def parse_index(data: bytes) -> Index:
    """Parse an index or manifest list. Raises InvalidParameter."""
    document = _object(data)
    _refuse(document, ("config", "layers"), "media-type: expected index but found manifest")
    index = from_wire(document, Index)
    for child in index.manifests:
        _check(child)
    return index


def parse_manifest(data: bytes) -> Manifest:
    """Parse a manifest. Raises InvalidParameter."""
    document = _object(data)
    _refuse(document, ("manifests",), "media-type: expected manifest but found index")
    manifest = from_wire(document, Manifest)
    for child in (manifest.config, *manifest.layers):
        _check(child)
    return manifest


def parse_config(data: bytes) -> ImageConfig:
    """Parse an image config, its times too, as Go does. Raises InvalidParameter."""
    config = from_wire(_without_null_members(_object(data)), ImageConfig)
    for diff_id in config.rootfs.diff_ids:
        digests.validate(diff_id)
    for created in (config.created, *(entry.created for entry in config.history)):
        if created is not None:
            times.parse(created)
    return config


def parse_tags(data: bytes) -> list[str]:
    """The tags of a registry's list (distribution-spec, listing tags). Raises InvalidParameter."""
    tags = _object(data).get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def children(descriptor: Descriptor, data: bytes) -> list[Descriptor]:
    """What the document refers to (containerd images.Children); nothing for other blobs."""
    if mediatypes.is_index(descriptor.media_type):
        return parse_index(data).manifests
    if mediatypes.is_manifest(descriptor.media_type):
        manifest = parse_manifest(data)
        return [manifest.config, *manifest.layers]
    return []


def is_document(media_type: str) -> bool:
    """Whether blobs of this type refer to other blobs."""
    return mediatypes.is_index(media_type) or mediatypes.is_manifest(media_type)


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = gojson.decode(data)
    except msgspec.DecodeError as err:
        raise InvalidParameter(f"invalid JSON: {err}") from err
    if not isinstance(document, dict):
        raise InvalidParameter("invalid JSON: expected an object")
    return {key.lower(): value for key, value in document.items()}


def _refuse(document: dict[str, Any], members: tuple[str, ...], message: str) -> None:
    """Refuse a document that is of another kind than its media type says (CVE-2021-41190)."""
    if document.get("fslayers"):
        raise InvalidParameter("media-type: schema 1 not supported")
    if any(document.get(member) for member in members):
        raise InvalidParameter(message)


def _check(descriptor: Descriptor) -> None:
    digests.validate(descriptor.digest)
    if descriptor.size < 0:
        raise InvalidParameter(f"invalid size {descriptor.size} in {descriptor.digest}")


def _without_null_members(document: dict[str, Any]) -> dict[str, Any]:
    """Sets come as objects whose members are `{}` or, from some builders, null: both mean "in"."""
    config = document.get("config")
    if not isinstance(config, dict):
        return document
    sets = {
        key: {name: {} if member is None else member for name, member in value.items()}
        for key, value in config.items()
        if key.lower() in {"exposedports", "volumes"} and isinstance(value, dict)
    }
    return document | {"config": config | sets}
