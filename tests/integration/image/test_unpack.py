"""Unpacking while the garbage collector is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from runner.image import documents
from runner.image.unpack import Observer
from tests.integration.image.support import load, named, oci_layout
from tests.support.images import Blobs, Image, file, layer_tar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from runner.image.store import ImageStore
    from runner.types.image import Descriptor

LOWER, UPPER = (layer_tar([file(name, name)]) for name in ("lower", "upper"))


class Waiting(Observer):
    """Does something while the upper layer is waited for."""

    def __init__(self, upper: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._upper = upper
        self._meanwhile = meanwhile

    async def available(self, layer: Descriptor) -> None:
        if layer.digest == self._upper:
            await self._meanwhile()


@pytest.mark.parametrize("moment", ["while the blob comes", "before the next is prepared"])
async def test_a_base_that_is_deleted_meanwhile(
    one_store: ImageStore, tmp_path: Path, moment: str
) -> None:
    """The image below ours goes with its snapshot, on which nothing of ours stands yet."""
    base = Blobs()
    target = named(Image([LOWER]).add_to(base), "base:1")
    await load(one_store, oci_layout(base, target), tmp_path)
    blobs = Blobs()
    manifest = documents.parse_manifest(blobs[Image([LOWER, UPPER]).add_to(blobs)["digest"]])
    config = documents.parse_config(blobs[manifest.config.digest])
    deleted = False

    async def delete_base() -> None:
        nonlocal deleted
        if not deleted:
            deleted = True
            await one_store.images.delete("docker.io/library/base:1", sync=True)

    prepare = one_store.unpacker._snapshots.prepare

    async def slow_prepare(*args: Any) -> Any:
        if moment.startswith("before"):
            await delete_base()
        return await prepare(*args)

    observer = Waiting(manifest.layers[1].digest, delete_base)
    async with one_store.containerd.leases.hold():
        for blob in (manifest.config, *manifest.layers):
            await one_store.content.write_blob(blobs[blob.digest], {})
        assert await one_store.unpacker.unpacked_layers(config) == 1
        with mock.patch.object(one_store.unpacker._snapshots, "prepare", slow_prepare):
            await one_store.unpacker.unpack(
                manifest.config.digest, config, manifest.layers, observer
            )
        assert deleted
        assert await one_store.unpacker.is_unpacked(config)
