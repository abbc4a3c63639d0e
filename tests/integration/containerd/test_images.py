"""Names for content."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from runner.containerd.images import Image
from runner.types.errors import AlreadyExists, InvalidParameter, NotFound
from runner.types.image import MEDIA_TYPE_OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    from runner.containerd.client import Containerd

TARGET = Descriptor(MEDIA_TYPE_OCI_MANIFEST, f"sha256:{'1' * 64}", 7, annotations={"a": "b"})
IMAGE = Image("docker.io/library/one:latest", TARGET, {"x": "1", "y": "2"})


async def test_what_is_created_is_what_is_found(client: Containerd) -> None:
    created = await client.images.create(IMAGE)
    found = await client.images.get(IMAGE.name)
    assert found == created
    assert (found.name, found.target, found.labels) == (IMAGE.name, TARGET, IMAGE.labels)


async def test_list_and_delete(client: Containerd) -> None:
    await client.images.create(IMAGE)
    await client.images.create(dataclasses.replace(IMAGE, name="two"))
    assert {image.name for image in await client.images.list()} == {IMAGE.name, "two"}
    assert [image.name for image in await client.images.list("name==two")] == ["two"]
    await client.images.delete("two", sync=True)
    assert [image.name for image in await client.images.list()] == [IMAGE.name]


async def test_update_changes_the_fields_named(client: Containerd) -> None:
    await client.images.create(IMAGE)
    target = Descriptor(MEDIA_TYPE_OCI_MANIFEST, f"sha256:{'2' * 64}", 8)
    changed = Image(IMAGE.name, target, {"x": "3"})
    updated = await client.images.update(changed, "labels.x")
    assert (updated.target, updated.labels) == (TARGET, {"x": "3", "y": "2"})
    assert (await client.images.update(changed, "target")).target == target


async def test_refusals(client: Containerd) -> None:
    await client.images.create(IMAGE)
    with pytest.raises(AlreadyExists):
        await client.images.create(IMAGE)
    for call in (
        client.images.get("none"),
        client.images.delete("none"),
        client.images.update(dataclasses.replace(IMAGE, name="none")),
    ):
        with pytest.raises(NotFound, match='image "none": not found'):
            await call
    with pytest.raises(InvalidParameter):
        await client.images.create(Image("bad", Descriptor("", "sha256:short", 1)))
