"""Images: the OCI image specification's documents and the Engine API's views of them.

OCI documents keep the names of the image-spec; Engine API types keep dockerd's.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from runner.types.wire import Wire

MEDIA_TYPE_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_TYPE_OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_TYPE_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_TYPE_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_TYPE_OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
MEDIA_TYPE_OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
MEDIA_TYPE_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MEDIA_TYPE_DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_TYPE_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
MEDIA_TYPE_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
MEDIA_TYPE_DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

INDEX_TYPES = frozenset({MEDIA_TYPE_OCI_INDEX, MEDIA_TYPE_DOCKER_LIST})
MANIFEST_TYPES = frozenset({MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST})


class Platform(msgspec.Struct, omit_defaults=True, frozen=True):
    """An OCI platform. `variant` is normalised (arm64/v8 is arm64) where it is compared."""

    architecture: str = ""
    os: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, omit_defaults=True, rename="camel", frozen=True):
    """A reference to content by digest (image-spec, descriptor.md). `size` is in bytes."""

    media_type: str
    digest: str
    size: int
    urls: list[str] = msgspec.field(default_factory=list)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    platform: Platform | None = None


class Manifest(msgspec.Struct, omit_defaults=True, rename="camel"):
    """image-spec manifest.md; Docker's schema 2 has the same fields."""

    config: Descriptor
    layers: list[Descriptor] = msgspec.field(default_factory=list)
    schema_version: int = 2
    media_type: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Index(msgspec.Struct, omit_defaults=True, rename="camel"):
    """image-spec image-index.md; Docker's manifest list has the same fields."""

    manifests: list[Descriptor] = msgspec.field(default_factory=list)
    schema_version: int = 2
    media_type: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class HealthConfig(msgspec.Struct, rename="pascal", omit_defaults=True):
    """A health check (Docker's extension of the image config). Durations in nanoseconds."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class ImageRunConfig(msgspec.Struct, rename="pascal", omit_defaults=True):
    """The `config` object of an image config: how its containers are run by default."""

    user: str = ""
    exposed_ports: dict[str, dict[str, Any]] | None = None
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    volumes: dict[str, dict[str, Any]] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    args_escaped: bool = False
    healthcheck: HealthConfig | None = None
    shell: list[str] | None = None
    on_build: list[str] | None = None


class RootFS(msgspec.Struct, omit_defaults=True):
    """The uncompressed layers' digests, base first."""

    type: str = "layers"
    diff_ids: list[str] = msgspec.field(default_factory=list)


class History(msgspec.Struct, omit_defaults=True):
    """One step of the image's making."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, omit_defaults=True):
    """image-spec config.md: platform, run configuration, root filesystem, history."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    created: str | None = None
    author: str = ""
    config: ImageRunConfig = msgspec.field(default_factory=ImageRunConfig)
    rootfs: RootFS = msgspec.field(default_factory=RootFS)
    history: list[History] = msgspec.field(default_factory=list)


class ManifestSize(Wire, rename="pascal"):
    """Bytes: of the blobs that are present, and with the unpacked layers."""

    content: int = 0
    total: int = 0


class UnpackedSize(Wire, rename="pascal"):
    """Bytes of the unpacked layers."""

    unpacked: int = 0


class ImageProperties(Wire, rename="pascal"):
    """What only a manifest of kind `image` has."""

    platform: Platform
    size: UnpackedSize = msgspec.field(default_factory=UnpackedSize)
    containers: list[str] | None = None


class AttestationProperties(Wire):
    """What only a manifest of kind `attestation` has: the manifest that it is about."""

    about: str = msgspec.field(name="For")


class ManifestSummary(Wire, rename="pascal"):
    """One manifest of an image (moby image.ManifestSummary)."""

    id: str = msgspec.field(name="ID")
    descriptor: Descriptor
    available: bool
    size: ManifestSize
    kind: Literal["image", "attestation", "unknown"] = "unknown"
    image_data: ImageProperties | None = None
    attestation_data: AttestationProperties | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"image_data", "attestation_data"})


class ImageSummary(Wire, rename="pascal", kw_only=True):
    """An item of GET /images/json (moby image.Summary). Times in Unix seconds, sizes in bytes."""

    containers: int = -1
    created: int = 0
    id: str
    labels: dict[str, str] | None = None
    parent_id: str = ""
    descriptor: Descriptor | None = None
    manifests: list[ManifestSummary] = msgspec.field(default_factory=list)
    repo_digests: list[str] = msgspec.field(default_factory=list)
    repo_tags: list[str] = msgspec.field(default_factory=list)
    shared_size: int = -1
    size: int = 0

    omit_empty: ClassVar[frozenset[str]] = frozenset({"descriptor", "manifests"})


class ImageDeleteItem(Wire, rename="pascal"):
    """A name or an image that DELETE /images took (moby image.DeleteResponse): one of the two."""

    untagged: str = ""
    deleted: str = ""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"untagged", "deleted"})


class HistoryItem(Wire, rename="pascal"):
    """A step of GET /images/{name}/history (moby image.HistoryResponseItem)."""

    comment: str = ""
    created: int = 0
    created_by: str = ""
    id: str = "<missing>"
    size: int = 0
    tags: list[str] | None = None


class ImagePruneReport(Wire, rename="pascal"):
    """What POST /images/prune took (moby image.PruneReport). `space_reclaimed` in bytes."""

    images_deleted: list[ImageDeleteItem] | None = None
    space_reclaimed: int = 0


class GraphDriverData(Wire, rename="pascal", kw_only=True):
    """Where dockerd used to name its graph driver; with the containerd store, the snapshotter."""

    data: dict[str, str] | None = None
    name: str


class RootFSInspect(Wire, rename="pascal"):
    """The layers of an image, in inspect's spelling."""

    type: str = ""
    layers: list[str] = msgspec.field(default_factory=list)

    omit_empty: ClassVar[frozenset[str]] = frozenset({"type", "layers"})


class ImageMetadata(Wire, rename="pascal"):
    """Local facts about an image that its content does not say."""

    last_tag_time: str = "0001-01-01T00:00:00Z"


class ImageInspect(Wire, rename="pascal", kw_only=True):
    """GET /images/{name}/json (moby image.InspectResponse).

    `config` has the fields of the image config that are set, and with null or "" those that Docker
    always showed.
    """

    id: str
    repo_tags: list[str]
    repo_digests: list[str]
    parent: str = ""
    comment: str = ""
    created: str = ""
    docker_version: str = ""
    author: str = ""
    architecture: str = ""
    variant: str = ""
    os: str = ""
    os_version: str = ""
    size: int = 0
    graph_driver: GraphDriverData
    root_fs: RootFSInspect = msgspec.field(default_factory=RootFSInspect, name="RootFS")
    metadata: ImageMetadata = msgspec.field(default_factory=ImageMetadata)
    descriptor: Descriptor | None = None
    manifests: list[ManifestSummary] = msgspec.field(default_factory=list)
    config: dict[str, Any] | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"created", "variant", "os_version", "descriptor", "manifests"}
    )


class SearchResult(msgspec.Struct):
    """A repository that an index has found (moby registry.SearchResult)."""

    star_count: int = 0
    is_official: bool = False
    name: str = ""
    is_automated: bool = False
    description: str = ""


class DistributionInspect(Wire, rename="pascal"):
    """GET /distribution/{name}/json: what a registry has under a name."""

    descriptor: Descriptor
    platforms: list[Platform] | None = None


class ProgressDetail(msgspec.Struct, omit_defaults=True):
    """Bytes (or `units`) done and in all; empty while unknown. moby jsonmessage.JSONProgress."""

    current: int = 0
    total: int = 0
    hidecounts: bool = False
    units: str = ""


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """The error that ended a progress stream."""

    message: str
    code: int = 0


class ProgressMessage(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A line of a pull's, load's or import's JSON stream (moby jsonstream.Message)."""

    stream: str = ""
    status: str = ""
    progress_detail: ProgressDetail | None = None
    progress: str = ""
    id: str = ""
    error_detail: ErrorDetail | None = None
    error: str = ""
    aux: dict[str, Any] | None = None
