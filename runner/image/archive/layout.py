"""What an archive has: the images that it names, and where their blobs are.

An OCI layout says all of it itself. Of a docker-save archive without one the manifests are made
here, byte for byte as containerd's importer makes them, for an image's ID is their digest
(containerd core/images/archive/importer.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from runner.image import digest as digests
from runner.image import documents, mediatypes
from runner.image import reference as references
from runner.image.archive.files import JSON_SIZE_MAX
from runner.tar.compression import MAGIC_SIZE, Compression, detect
from runner.types import gojson
from runner.types.errors import InvalidParameter
from runner.types.image import (
    MEDIA_TYPE_DOCKER_CONFIG,
    MEDIA_TYPE_DOCKER_LAYER,
    MEDIA_TYPE_DOCKER_LAYER_GZIP,
    MEDIA_TYPE_DOCKER_MANIFEST,
    Descriptor,
    Platform,
)
from runner.types.wire import from_wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.image.archive.files import Archive, File

_OCI_VERSION = "1.0.0"

Stored = dict[str, tuple[Descriptor, bytes]]
"""For the digest of an uncompressed layer, the blob of it that the content store has compressed,
and that blob's first bytes."""


class DockerManifest(msgspec.Struct, rename="pascal"):
    """An item of manifest.json (moby tarexport manifestItem)."""

    config: str = ""
    repo_tags: list[str] = msgspec.field(default_factory=list)
    layers: list[str] = msgspec.field(default_factory=list)


@dataclass(slots=True)
class Layout:
    """The images of an archive. `made` has the documents that are not in it but made from it."""

    images: list[Descriptor]
    find: Callable[[str], File | None]
    made: dict[str, bytes] = field(default_factory=dict)


def is_oci(archive: Archive) -> bool:
    """Whether the archive is an OCI layout. Raises InvalidParameter for one of another version."""
    marker = archive.find("oci-layout")
    if marker is None:
        return False
    version = _json(marker, "oci layout").get("imageLayoutVersion", "")
    if version not in {"", _OCI_VERSION}:
        raise InvalidParameter(f"unsupported OCI version {version}")
    return bool(version)


def read_oci(archive: Archive) -> Layout:
    """An OCI layout's images. Raises InvalidParameter."""
    index = archive.find("index.json")
    if index is None:
        raise InvalidParameter(f"missing index.json in OCI layout {_OCI_VERSION}")

    def find(digest: str) -> File | None:
        algorithm, _, encoded = digest.partition(":")
        return archive.find(f"blobs/{algorithm}/{encoded}")

    return Layout(documents.parse_index(index.read(JSON_SIZE_MAX)).manifests, find)


def read_docker(archive: Archive) -> list[DockerManifest]:
    """The items of manifest.json. Raises InvalidParameter, also where there is none."""
    found = archive.find("manifest.json")
    items = _decode(found, "manifest") if found is not None else None
    if items is None:
        raise InvalidParameter("unrecognized image format")
    return from_wire(items, list[DockerManifest])


@dataclass(slots=True)
class DockerFiles:
    """The files that manifest.json's items name, by digest. Reading them blocks."""

    archive: Archive
    blobs: dict[str, File] = field(default_factory=dict)
    _names: dict[str, Descriptor] = field(default_factory=dict)

    def config(self, name: str) -> Descriptor:
        """The config. Raises InvalidParameter when the archive has no such file."""
        return self._describe(name, MEDIA_TYPE_DOCKER_CONFIG, f'image config "{name}" not found')

    def layer(self, name: str) -> Descriptor:
        """A layer as it is in the archive."""
        missing = f'failed to resolve layers: layer "{name}" not found'
        described = self._describe(name, "", missing)
        start = self.blobs[described.digest].start(MAGIC_SIZE)
        return msgspec.structs.replace(described, media_type=layer_type(start))

    def _describe(self, name: str, media_type: str, missing: str) -> Descriptor:
        if name not in self._names:
            file = self.archive.find(name)
            if file is None:
                raise InvalidParameter(missing)
            digest = file.digest()
            self.blobs[digest] = file
            self._names[name] = Descriptor("", digest, file.size)
        return msgspec.structs.replace(self._names[name], media_type=media_type)


def layer_type(start: bytes) -> str:
    """The media type that containerd gives a layer that begins so: any compression is "gzip"."""
    compressed = detect(start) in {Compression.GZIP, Compression.ZSTD}
    return MEDIA_TYPE_DOCKER_LAYER_GZIP if compressed else MEDIA_TYPE_DOCKER_LAYER


def make_layout(items: list[DockerManifest], files: DockerFiles, stored: Stored) -> Layout:
    """The layout that containerd makes of a docker-save archive.

    Blocks. Raises InvalidParameter.
    """
    layout = Layout([], files.blobs.get)
    for item in items:
        config = files.config(item.config)
        layers = [_stored_or_own(files.layer(name), stored) for name in item.layers]
        data = _manifest_json(config, layers)
        layout.made[digests.of(data)] = data
        parsed = documents.parse_config(files.blobs[config.digest].read(documents.CONFIG_SIZE_MAX))
        manifest = Descriptor(
            MEDIA_TYPE_DOCKER_MANIFEST,
            digests.of(data),
            len(data),
            platform=Platform(parsed.architecture, parsed.os, variant=parsed.variant),
        )
        layout.images += _named(manifest, item.repo_tags)
    return layout


def _stored_or_own(layer: Descriptor, stored: Stored) -> Descriptor:
    """containerd takes the compressed blob that it has of an uncompressed layer."""
    if layer.digest not in stored:
        return layer
    blob, start = stored[layer.digest]
    return msgspec.structs.replace(blob, media_type=layer_type(start))


def _manifest_json(config: Descriptor, layers: list[Descriptor]) -> bytes:
    """The members in the order of containerd's struct."""
    return msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE_DOCKER_MANIFEST,
            "config": config,
            "layers": layers,
        }
    )


def _named(manifest: Descriptor, repo_tags: list[str]) -> list[Descriptor]:
    """The manifest once for each of its names, or once without."""
    if not repo_tags:
        return [manifest]
    return [
        msgspec.structs.replace(manifest, annotations=_annotations(repo_tag))
        for repo_tag in repo_tags
    ]


def _annotations(repo_tag: str) -> dict[str, str]:
    try:
        reference = references.parse(repo_tag)
    except InvalidParameter as err:
        raise err.wrap(f'normalize image ref "{repo_tag}"') from err
    if reference.digest is not None:
        reference = reference.trimmed().with_digest(reference.digest)
    reference = reference.with_default_tag()
    return {
        mediatypes.ANNOTATION_IMAGE_NAME: str(reference),
        mediatypes.ANNOTATION_REF_NAME: reference.tag or f"@{reference.digest}",
    }


def _json(file: File, what: str) -> dict[str, Any]:
    document = _decode(file, what)
    if not isinstance(document, dict):
        raise InvalidParameter(f"untar {what}: invalid JSON: expected an object")
    return document


def _decode(file: File, what: str) -> Any:
    try:
        return gojson.decode(file.read(JSON_SIZE_MAX))
    except msgspec.DecodeError as err:
        raise InvalidParameter(f"untar {what}: invalid JSON: {err}") from err
