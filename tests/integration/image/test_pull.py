"""Pulling from a real registry into a real containerd."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from runner.containerd.client import Containerd
from runner.image import platform as platforms
from runner.image.pull import pull
from runner.image.reference import parse
from runner.image.registry import Credentials
from runner.types.errors import DataLoss, InvalidParameter, NotFound, RunnerError
from runner.types.image import MEDIA_TYPE_OCI_MANIFEST, ProgressMessage
from tests.integration.image.support import NOTHING, everything, push
from tests.support.fixtures import PASSWORD, USER
from tests.support.images import (
    Blobs,
    Image,
    add_index,
    compress,
    digest,
    file,
    layer_tar,
    layered_image,
)
from tests.unit.image.hostile import serving

if TYPE_CHECKING:
    from runner.image.store import ImageStore
    from tests.support.registry import Registry

BOTH = ("amd64", "arm64")


def small(*texts: str) -> Image:
    """An image with one small layer for each text."""
    return Image([layer_tar([file(f"file{n}", text)]) for n, text in enumerate(texts)])


async def pulled(
    store: ImageStore,
    name: str,
    platform: str | None = None,
    credentials: Credentials | None = None,
) -> list[ProgressMessage]:
    told: list[ProgressMessage] = []
    await pull(
        store,
        parse(name),
        platform=platforms.parse(platform) if platform else None,
        credentials=credentials,
        progress=told.append,
    )
    return told


def lasting(told: list[ProgressMessage]) -> list[tuple[str, str]]:
    """The lines that do not depend on how fast the machine is."""
    passing = {"Downloading", "Extracting"}
    return [(line.id, line.status) for line in told if line.status not in passing]


@pytest.mark.parametrize("media", ["oci", "docker"])
@pytest.mark.parametrize("compression", ["plain", "gzip", "zstd"])
async def test_an_image_is_pulled_and_unpacked(
    store: ImageStore, registry: Registry, media: str, compression: str
) -> None:
    image = dataclasses.replace(layered_image(), media=media, compression=compression)  # type: ignore[arg-type]
    name = push(registry, "team/app", f"{media}-{compression}", image)
    await pulled(store, name)
    found = await store.get(name)
    assert await store.unpacker.is_unpacked(found.config)
    assert found.manifest.media_type.startswith("application/vnd." + media[:3])
    assert await store.names(found.id) == [name]


async def test_the_lines_are_dockerds(store: ImageStore, registry: Registry) -> None:
    image = small("one")
    name = push(registry, "team/lines", "1", image)
    told = lasting(await pulled(store, name))
    identifier = (await store.get(name)).id
    layer = digest(compress(image.layers[0], "gzip")).removeprefix("sha256:")[:12]
    assert told == [
        ("1", "Pulling from team/lines"),
        (layer, "Pulling fs layer"),
        (layer, "Download complete"),
        (layer, "Pull complete"),
        ("", f"Digest: {identifier}"),
        ("", f"Status: Downloaded newer image for {name}"),
    ]
    assert lasting(await pulled(store, name)) == [
        ("1", "Pulling from team/lines"),
        ("", f"Digest: {identifier}"),
        ("", f"Status: Image is up to date for {name}"),
    ]


async def test_layers_that_are_here_are_not_downloaded_again(
    store: ImageStore, registry: Registry
) -> None:
    await pulled(store, push(registry, "team/shared", "1", small("base")))
    told = lasting(await pulled(store, push(registry, "team/shared", "2", small("base", "top"))))
    # Nothing is said of a layer that is here and unpacked.
    statuses = [status for _, status in told]
    for status in ("Pulling fs layer", "Download complete", "Pull complete"):
        assert statuses.count(status) == 1


async def test_the_platform_is_chosen(store: ImageStore, registry: Registry) -> None:
    blobs = Blobs()
    images = [dataclasses.replace(small(arch), architecture=arch) for arch in BOTH]
    registry.push("team/multi", "1", blobs, add_index(blobs, images))
    name = f"{registry.address}/team/multi:1"
    for architecture in BOTH:
        wanted = platforms.parse(f"linux/{architecture}")
        await pulled(store, name, f"linux/{architecture}")
        assert (await store.get(name, wanted)).platform.architecture == architecture
    assert (await store.get(name)).platform == platforms.host_platform()
    with pytest.raises(NotFound) as err:
        await pulled(store, name, "linux/s390x")
    assert err.value.message == (
        "no matching manifest for linux/s390x in the manifest list entries: "
        "no match for platform in manifest: not found"
    )
    with pytest.raises(NotFound) as err:
        await store.get(name, platforms.parse("linux/s390x"))
    assert err.value.message == (
        f"image with reference {name} was found but does not provide the specified platform "
        "(linux/s390x)"
    )


async def test_what_is_pulled_survives_the_garbage_collector(
    store: ImageStore, registry: Registry
) -> None:
    blobs = Blobs()
    images = [dataclasses.replace(small(arch), architecture=arch) for arch in BOTH]
    registry.push("team/kept", "1", blobs, add_index(blobs, images))
    name = f"{registry.address}/team/kept:1"
    for architecture in BOTH:
        await pulled(store, name, f"linux/{architecture}")
    before = await everything(store.containerd)
    assert len(before[1]) == 7  # an index, and of each platform manifest, config and layer
    assert len(before[2]) == 2
    await store.images.delete(name)
    assert await everything(store.containerd) == NOTHING


async def test_a_tag_that_moved_leaves_a_dangling_image(
    store: ImageStore, registry: Registry
) -> None:
    name = push(registry, "team/moved", "1", small("old"))
    await pulled(store, name)
    old = (await store.get(name)).id
    push(registry, "team/moved", "1", small("new"))
    told = lasting(await pulled(store, name))
    assert told[-1] == ("", f"Status: Downloaded newer image for {name}")
    assert (await store.get(name)).id != old
    dangling = await store.resolve(old)
    assert dangling.name == f"moby-dangling@{old}"
    assert await store.names(old) == []
    # Pulled under a name again, it is no longer dangling.
    await pulled(store, f"{registry.address}/team/moved@{old}")
    assert await store.names(old) == [f"{registry.address}/team/moved@{old}"]


async def test_all_tags_of_a_bare_name(store: ImageStore, registry: Registry) -> None:
    for tag in ("a", "b"):
        push(registry, "team/tags", tag, small(tag))
    await pulled(store, f"{registry.address}/team/tags")
    names = {record.name for record in await store.images.list()}
    assert names == {f"{registry.address}/team/tags:{tag}" for tag in ("a", "b")}


async def test_two_pulls_at_once_share_the_work(store: ImageStore, registry: Registry) -> None:
    base = os.urandom(3_000_000).hex()
    names = [
        push(registry, "team/parallel", str(number), small(base, str(number)))
        for number in range(4)
    ]
    told = await asyncio.gather(*(pulled(store, name) for name in names))
    downloads = [line for lines in told for line in lines if line.status == "Download complete"]
    assert len(downloads) == 5  # the base once, four tops
    for name in names:
        assert await store.unpacker.is_unpacked((await store.get(name)).config)
    assert (await everything(store.containerd))[3] == []


async def test_two_engines_may_pull_the_same(store: ImageStore, registry: Registry) -> None:
    from runner.image.store import ImageStore

    name = push(registry, "team/engines", "1", small(os.urandom(2_000_000).hex(), "top"))
    client = store.containerd
    async with Containerd(client.address, client.namespace) as other:
        await asyncio.gather(pulled(store, name), pulled(ImageStore(other, "overlayfs"), name))
    assert await store.unpacker.is_unpacked((await store.get(name)).config)


async def test_errors_are_dockerds(store: ImageStore, registry: Registry) -> None:
    name = f"{registry.address}/team/none:1"
    with pytest.raises(NotFound) as err:
        await pulled(store, name)
    assert err.value.message == f'failed to resolve reference "{name}": {name}: not found'
    assert await everything(store.containerd) == NOTHING


async def test_a_private_registry(store: ImageStore, private_registry: Registry) -> None:
    name = push(private_registry, "team/private", "1", small("secret"))
    with pytest.raises(RunnerError) as err:
        await pulled(store, name)
    assert err.value.message == (
        f'failed to resolve reference "{name}": pull access denied, repository does not exist or '
        "may require authorization: authorization failed: no basic auth credentials"
    )
    with pytest.raises(RunnerError, match=r"^unknown: .*401 Unauthorized$"):
        await pulled(store, name, credentials=Credentials(USER, "wrong"))
    await pulled(store, name, credentials=Credentials(USER, PASSWORD))
    assert await store.names((await store.get(name)).id) == [name]


class Fake:
    """A registry that serves blobs, some of them as the test wants."""

    def __init__(self, image: Image) -> None:
        self.blobs = Blobs()
        self.target = image.add_to(self.blobs)
        self.manifest = self.blobs.load(self.target)
        self.served = dict(self.blobs)
        self.cut: dict[str, int] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        identifier = self.target["digest"] if name == "v1" else name
        data = self.served[identifier]
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        headers = {"Docker-Content-Digest": identifier, "Content-Type": MEDIA_TYPE_OCI_MANIFEST}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        if identifier not in self.cut:
            return web.Response(body=body, headers=headers, status=206 if start else 200)
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: self.cut[identifier]])
        assert request.transport is not None
        request.transport.close()
        return response


async def test_a_broken_pull_is_finished_by_the_next(store: ImageStore) -> None:
    fake = Fake(Image([layer_tar([file("big", os.urandom(6_000_000))])], compression="plain"))
    layer = fake.manifest["layers"][0]["digest"]
    fake.cut[layer] = 0
    async with serving(fake.handle) as server:
        name = str(server.reference())
        fake.cut[layer] = 2_000_000
        task = asyncio.create_task(pulled(store, name))
        while not await _received(store, layer):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await store.containerd.images.list()) == []
        partial = await _received(store, layer)
        fake.cut.clear()
        server.requests.clear()
        await pulled(store, name)
    asked = [request for request in server.requests if request.path.endswith(layer)]
    assert [request.headers.get("Range") for request in asked] == [f"bytes={partial}-"]
    assert partial > 0


async def _received(store: ImageStore, layer: str) -> int:
    try:
        return (await store.content.status(f"layer-{layer}")).offset
    except NotFound:
        return 0


async def test_a_layer_with_another_digest_is_thrown_away(store: ImageStore) -> None:
    fake = Fake(small("layer"))
    layer = fake.manifest["layers"][0]["digest"]
    fake.served[layer] = bytes(len(fake.served[layer]))
    async with serving(fake.handle) as server:
        with pytest.raises(DataLoss, match="unexpected commit digest"):
            await pulled(store, str(server.reference()))
        assert await everything(store.containerd) == NOTHING
        fake.served = dict(fake.blobs)
        await pulled(store, str(server.reference()))


async def test_a_layer_that_is_not_the_configs_is_not_kept(store: ImageStore) -> None:
    class Lying(Image):
        def image_config(self) -> dict[str, object]:
            config = super().image_config()
            return config | {"rootfs": {"type": "layers", "diff_ids": [digest(b"another")]}}

    fake = Fake(Lying([layer_tar([file("a", "b")])]))
    async with serving(fake.handle) as server:
        with pytest.raises(DataLoss, match="wrong diff id calculated on extraction"):
            await pulled(store, str(server.reference()))
    assert await everything(store.containerd) == NOTHING


async def test_layers_and_diff_ids_must_be_as_many(store: ImageStore) -> None:
    class Short(Image):
        def image_config(self) -> dict[str, object]:
            return super().image_config() | {"rootfs": {"type": "layers", "diff_ids": []}}

    fake = Fake(Short([layer_tar([file("a", "b")])]))
    async with serving(fake.handle) as server:
        with pytest.raises(InvalidParameter, match="number of layers and diffIDs don't match: 1"):
            await pulled(store, str(server.reference()))
    assert await everything(store.containerd) == NOTHING


async def test_an_image_without_layers(store: ImageStore) -> None:
    fake = Fake(Image([]))
    async with serving(fake.handle) as server:
        name = str(server.reference())
        told = lasting(await pulled(store, name))
    assert told[-1] == ("", f"Status: Downloaded newer image for {name}")


async def test_schema_1_is_refused(store: ImageStore) -> None:
    async def handler(request: web.Request) -> web.Response:
        kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
        return web.Response(
            body=b"{}", headers={"Content-Type": kind, "Docker-Content-Digest": digest(b"{}")}
        )

    async with serving(handler) as server:
        name = str(server.reference())
        with pytest.raises(InvalidParameter, match=f"schema 1 support has been removed.*{name}"):
            await pulled(store, name)
