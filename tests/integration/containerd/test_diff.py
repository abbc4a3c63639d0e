"""Layers applied to snapshots, and made from them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.types.errors import NotFound, NotImplementedYet
from runner.types.image import (
    MEDIA_TYPE_OCI_LAYER,
    MEDIA_TYPE_OCI_LAYER_GZIP,
    Descriptor,
)

if TYPE_CHECKING:
    from runner.containerd.client import Containerd

pytestmark = pytest.mark.usefixtures("held")


def layer_tar(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("media_type", [MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER_GZIP])
async def test_apply_answers_with_the_diff_id(client: Containerd, media_type: str) -> None:
    tar = layer_tar(hello="world")
    blob = gzip.compress(tar) if media_type.endswith("gzip") else tar
    async with client.leases.hold():
        digest = await client.content.write_blob(blob)
        mounts = await client.snapshots().prepare("layer")
        applied = await client.diff.apply(Descriptor(media_type, digest, len(blob)), mounts)
    assert applied.digest == digest_of(tar)
    assert (await client.snapshots().usage("layer")).inodes == 2


async def test_diff_of_two_snapshots_is_the_layer_between_them(client: Containerd) -> None:
    tar = layer_tar(hello="world")
    snapshots = client.snapshots()
    async with client.leases.hold():
        digest = await client.content.write_blob(tar)
        base = await snapshots.prepare("base")
        upper = await snapshots.prepare("upper")
        await client.diff.apply(Descriptor(MEDIA_TYPE_OCI_LAYER, digest, len(tar)), upper)
        made = await client.diff.diff(
            base, upper, media_type=MEDIA_TYPE_OCI_LAYER_GZIP, labels={"a": "b"}
        )
        data = gzip.decompress(await client.content.read_all(made.digest))
        info = await client.content.info(made.digest)
    with tarfile.open(fileobj=io.BytesIO(data)) as layer:
        assert [entry.name for entry in layer if entry.isfile()] == ["hello"]
    assert made.media_type == MEDIA_TYPE_OCI_LAYER_GZIP
    assert info.labels == {"a": "b", "containerd.io/uncompressed": digest_of(data)}


async def test_refusals(client: Containerd) -> None:
    mounts = await client.snapshots().prepare("layer")
    missing = Descriptor(MEDIA_TYPE_OCI_LAYER, digest_of(b"missing"), 7)
    with pytest.raises(NotFound):
        await client.diff.apply(missing, mounts)
    text = Descriptor("text/plain", await client.content.write_blob(b"text"), 4)
    with pytest.raises(NotImplementedYet):
        await client.diff.apply(text, mounts)
