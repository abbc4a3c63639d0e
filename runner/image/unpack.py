"""Layers to snapshots (containerd core/unpack, as dockerd uses it).

Each layer becomes the committed snapshot that bears its chain ID; images with the same lowest
layers share them. A label on the image's config keeps the topmost, which keeps those beneath.
What the layer's tar may do is containerd's differ's concern: it works outside this process and
resolves every name inside the snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import msgspec
import tenacity

from runner.containerd.content import Info
from runner.image import digest as digests
from runner.image.mediatypes import LABEL_UNCOMPRESSED, is_layer, snapshot_gc_label
from runner.trace import step
from runner.types.errors import AlreadyExists, DataLoss, InvalidParameter, NotFound, RunnerError
from runner.types.image import MEDIA_TYPE_DOCKER_LAYER, MEDIA_TYPE_OCI_LAYER_ZSTD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.containerd.client import Containerd
    from runner.containerd.values import Mount
    from runner.types.image import Descriptor, ImageConfig

_DOCKER_ZSTD = f"{MEDIA_TYPE_DOCKER_LAYER}.zstd"
_SNAPSHOT_REF = "containerd.io/snapshot.ref"
_INHERITED = ("containerd.io/snapshot/", "containerd.io/snapshot.ref")


class Observer:
    """What unpacking tells as it goes; by default nobody listens."""

    async def available(self, layer: Descriptor) -> None:
        """Return when the layer's blob is in the content store."""

    def extracting(self, layer: Descriptor) -> None:
        """The layer is being unpacked from now on."""

    def unpacked(self, layer: Descriptor) -> None:
        """The layer's snapshot is there, new or from before."""


_SILENT = Observer()


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer with its place in the chain."""

    blob: Descriptor
    diff_id: str
    chain_id: str
    parent: str


class Unpacker:
    """Unpacks into one snapshotter. Two unpacks of the same layer do its work once."""

    def __init__(self, containerd: Containerd, snapshotter: str) -> None:
        self._content = containerd.content
        self._diff = containerd.diff
        self._snapshots = containerd.snapshots(snapshotter)
        self._label = snapshot_gc_label(snapshotter)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def is_unpacked(self, config: ImageConfig) -> bool:
        """Whether the snapshot of all the image's layers is there."""
        chain_id = digests.chain_id(config.rootfs.diff_ids)
        return not chain_id or await self._exists(chain_id)

    async def unpacked_layers(self, config: ImageConfig) -> int:
        """How many of the image's lowest layers have their snapshots already."""
        for count, chain_id in enumerate(digests.chain_ids(config.rootfs.diff_ids)):
            if not await self._exists(chain_id):
                return count
        return len(config.rootfs.diff_ids)

    async def unpack(
        self,
        config_digest: str,
        config: ImageConfig,
        layers: Sequence[Descriptor],
        observer: Observer = _SILENT,
    ) -> str:
        """Unpack what is not yet unpacked; returns the topmost layer's chain ID, "" without layers.

        Idempotent. To be called under a lease that holds the blobs, which also holds the snapshots
        until the label does. Raises DataLoss when a layer is other than the config says (its
        snapshot is removed), InvalidParameter when layers and config do not fit each other.
        """
        chain = _chain(config, layers)
        if not chain:
            return ""
        top = chain[-1].chain_id
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_Collected),
            stop=tenacity.stop_after_attempt(3),
            reraise=True,
        )
        await retrying(self._unpack_chain, chain, config_digest, observer)
        return top

    async def _unpack_chain(
        self, chain: list[_Layer], config_digest: str, observer: Observer
    ) -> None:
        for layer in chain:
            await self._unpack_layer(layer, observer)
            observer.unpacked(layer.blob)
        top = chain[-1].chain_id
        labels = {self._label: top}
        await self._content.update(Info(config_digest, labels=labels), f"labels.{self._label}")
        # A snapshot that was there before us may have been collected until the label was set.
        if not await self._exists(top):
            raise _Collected(f"snapshot {top} vanished while its image was unpacked")

    async def _unpack_layer(self, layer: _Layer, observer: Observer) -> None:
        async with self._lock(layer.chain_id):
            if not await self._exists(layer.chain_id):
                await self._extract(layer, observer)

    async def _extract(self, layer: _Layer, observer: Observer) -> None:
        """Prepare, apply, verify, commit; the half-made snapshot never stays behind.

        It is prepared before the blob is there: from then on it keeps its parent, which may have
        been there before us with nothing else to keep it.
        """
        key = f"extract-{secrets.token_hex(8)} {layer.chain_id}"
        labels = _inherited(layer.blob) | {_SNAPSHOT_REF: layer.chain_id}
        try:
            mounts = await self._snapshots.prepare(key, layer.parent, labels)
        except AlreadyExists:
            return  # another process has committed it since we looked
        except NotFound as err:
            raise _Collected(f"snapshot {layer.parent} vanished: {err.message}") from err
        try:
            await observer.available(layer.blob)
            observer.extracting(layer.blob)
            with step("image.unpack_layer", digest=layer.blob.digest, chain_id=layer.chain_id):
                await self._apply(layer, mounts)
                await self._snapshots.commit(layer.chain_id, key, labels)
        except AlreadyExists:
            await self._discard(key)
        except BaseException:
            await asyncio.shield(self._discard(key))
            raise
        await self._note_diff_id(layer)

    async def _apply(self, layer: _Layer, mounts: list[Mount]) -> None:
        blob = layer.blob
        try:
            applied = await self._diff.apply(_applicable(blob), mounts)
        except RunnerError as err:
            raise err.wrap(f"failed to extract layer ({blob.media_type} {blob.digest})") from err
        if applied.digest != layer.diff_id:
            raise DataLoss(f'wrong diff id calculated on extraction "{layer.diff_id}"')

    async def _note_diff_id(self, layer: _Layer) -> None:
        labels = {LABEL_UNCOMPRESSED: layer.diff_id}
        info = Info(layer.blob.digest, labels=labels)
        await self._content.update(info, f"labels.{LABEL_UNCOMPRESSED}")

    async def _discard(self, key: str) -> None:
        with contextlib.suppress(NotFound):
            await self._snapshots.remove(key)

    async def _exists(self, chain_id: str) -> bool:
        try:
            await self._snapshots.stat(chain_id)
        except NotFound:
            return False
        return True

    def _lock(self, chain_id: str) -> asyncio.Lock:
        lock = self._locks.get(chain_id)
        if lock is None:
            lock = self._locks[chain_id] = asyncio.Lock()
        return lock


class _Collected(RunnerError):
    """The garbage collector was faster."""


def _chain(config: ImageConfig, layers: Sequence[Descriptor]) -> list[_Layer]:
    """Layers and diff IDs side by side."""
    diff_ids = config.rootfs.diff_ids
    if len(layers) != len(diff_ids):
        raise InvalidParameter(
            f"number of layers and diffIDs don't match: {len(layers)} != {len(diff_ids)}"
        )
    for layer in layers:
        if not is_layer(layer.media_type):
            raise InvalidParameter(f"invalid layer media type {layer.media_type}")
    chain_ids = digests.chain_ids(diff_ids)
    parents = ["", *chain_ids][: len(layers)]
    return [_Layer(*place) for place in zip(layers, diff_ids, chain_ids, parents, strict=True)]


def _applicable(layer: Descriptor) -> Descriptor:
    """The layer by a media type that every containerd takes: only 2.x knows this of Docker."""
    if layer.media_type != _DOCKER_ZSTD:
        return layer
    return msgspec.structs.replace(layer, media_type=MEDIA_TYPE_OCI_LAYER_ZSTD)


def _inherited(layer: Descriptor) -> dict[str, str]:
    """Annotations meant for the snapshotter (containerd snapshots.FilterInheritedLabels)."""
    return {key: value for key, value in layer.annotations.items() if key.startswith(_INHERITED)}
