"""What a media type says a blob is (containerd core/images/mediatypes.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.image import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MEDIA_TYPE_DOCKER_CONFIG,
    MEDIA_TYPE_DOCKER_LAYER,
    MEDIA_TYPE_DOCKER_LAYER_GZIP,
    MEDIA_TYPE_OCI_CONFIG,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.types.image import Descriptor

DOCKER_SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
    }
)

_OCI_LAYER_PREFIX = "application/vnd.oci.image.layer."
_DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign"
_DOCKER_FOREIGN_LAYER = f"{_DOCKER_FOREIGN}.diff.tar"
_DOCKER_LAYERS = frozenset(
    {
        MEDIA_TYPE_DOCKER_LAYER,
        MEDIA_TYPE_DOCKER_LAYER_GZIP,
        f"{MEDIA_TYPE_DOCKER_LAYER}.zstd",
        _DOCKER_FOREIGN_LAYER,
        f"{_DOCKER_FOREIGN_LAYER}.gzip",
    }
)
_CONFIGS = frozenset({MEDIA_TYPE_DOCKER_CONFIG, MEDIA_TYPE_OCI_CONFIG})

ANNOTATION_IMAGE_NAME = "io.containerd.image.name"
ANNOTATION_REF_NAME = "org.opencontainers.image.ref.name"
ANNOTATION_ATTESTATION = "vnd.docker.reference.type"

LABEL_UNCOMPRESSED = "containerd.io/uncompressed"
LABEL_PARENT = "org.mobyproject.image.parent"
"""Whoever makes an image from another notes it here (moby imageLabelClassicBuilderParent)."""
LABEL_DISTRIBUTION_SOURCE = "containerd.io/distribution.source"
_LABEL_CONTENT = "containerd.io/gc.ref.content"
_LABEL_SNAPSHOT = "containerd.io/gc.ref.snapshot"


def is_index(media_type: str) -> bool:
    """An OCI index or a Docker manifest list."""
    return media_type in INDEX_TYPES


def is_manifest(media_type: str) -> bool:
    """An OCI or Docker schema 2 manifest."""
    return media_type in MANIFEST_TYPES


def is_config(media_type: str) -> bool:
    """An OCI or Docker image config."""
    return media_type in _CONFIGS


def is_layer(media_type: str) -> bool:
    """A layer, whatever its compression or encryption."""
    base = media_type.partition("+")[0]
    return media_type.startswith(_OCI_LAYER_PREFIX) or base in _DOCKER_LAYERS


def is_nondistributable(media_type: str) -> bool:
    """A layer that its maker lets nobody pass on, such as Windows's."""
    return media_type.startswith((f"{_OCI_LAYER_PREFIX}nondistributable.", f"{_DOCKER_FOREIGN}."))


def is_shown(media_type: str) -> bool:
    """Whether a blob's progress is shown: all but small documents (showBlobProgress)."""
    return is_layer(media_type) or not (
        is_index(media_type) or is_manifest(media_type) or is_config(media_type)
    )


def origin_label(domain: str) -> str:
    """The label that names the repositories of a registry where a blob comes from, without port
    (containerd pkg/labels, distributionSourceLabelKey)."""
    name = domain[1:].partition("]")[0] if domain.startswith("[") else domain.partition(":")[0]
    return f"{LABEL_DISTRIBUTION_SOURCE}.{name}"


def ingest_ref(descriptor: Descriptor) -> str:
    """The name of a blob's download in the content store (containerd remotes.MakeRefKey).

    containerd's own clients use the same, so a download broken off by one is finished by another.
    """
    name = descriptor.annotations.get(ANNOTATION_REF_NAME)
    key = f"{name}@{descriptor.digest}" if name else descriptor.digest
    return f"{_ingest_kind(descriptor.media_type)}-{key}"


def _ingest_kind(media_type: str) -> str:
    if is_manifest(media_type):
        return "manifest"
    if is_index(media_type):
        return "index"
    if is_layer(media_type):
        return "layer"
    return "config" if is_config(media_type) else "unknown"


def gc_labels(children: Sequence[Descriptor]) -> dict[str, str]:
    """The labels by which a blob keeps its children (containerd images.ChildGCLabels)."""
    labels: dict[str, str] = {}
    counts: dict[str, int] = {}
    for child in children:
        key = _gc_key(child.media_type)
        index = counts.get(key, 0)
        counts[key] = index + 1
        labels[f"{key}{index}" if index or key.endswith(".") else key] = child.digest
    return labels


def _gc_key(media_type: str) -> str:
    if is_config(media_type):
        return f"{_LABEL_CONTENT}.config"
    if is_manifest(media_type):
        return f"{_LABEL_CONTENT}.m."
    return f"{_LABEL_CONTENT}.l." if is_layer(media_type) else f"{_LABEL_CONTENT}."


def parent_of(labels: Mapping[str, str]) -> str:
    """The ID of the image that an image was committed upon, as its record's labels tell."""
    return labels.get(LABEL_PARENT, "")


def snapshot_gc_label(snapshotter: str) -> str:
    """The label by which an image config keeps the snapshot unpacked from its layers."""
    return f"{_LABEL_SNAPSHOT}.{snapshotter}"
