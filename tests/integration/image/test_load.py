"""Loading archives into a real containerd."""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import TYPE_CHECKING

import pytest

from runner.image import platform as platforms
from runner.image.archive import Limits
from runner.types.errors import InvalidParameter, NotFound
from runner.types.image import MEDIA_TYPE_OCI_INDEX
from tests.integration.image.support import NOTHING, everything, load, named, oci_layout
from tests.support.images import (
    Blobs,
    Image,
    add_index,
    compress,
    digest,
    directory,
    file,
    layer_tar,
    layered_image,
    symlink,
    write_docker_archive,
)

if TYPE_CHECKING:
    from pathlib import Path

    from runner.image.store import ImageStore

# What dockerd 28.5 shows as the ID of `layered_image` in a docker-save archive that has no OCI
# layout, in which containerd's importer makes the manifest.
LEGACY_LAYER = layer_tar([file("etc/a", "1")])
LEGACY_CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(LEGACY_LAYER)] * 2},
    }
).encode()


def legacy(repo_tags: list[str] | None) -> bytes:
    """An archive as Docker 1.10 to 24 wrote it, its second layer a link to the first."""
    config = f"{digest(LEGACY_CONFIG)[7:]}.json"
    item = {
        "Config": config,
        "RepoTags": repo_tags,
        "Layers": ["aa/layer.tar", "bb/layer.tar"],
    }
    return layer_tar(
        [
            directory("aa"),
            file("aa/VERSION", "1.0"),
            file("aa/layer.tar", LEGACY_LAYER),
            directory("bb"),
            symlink("bb/layer.tar", "../aa/layer.tar"),
            file(config, LEGACY_CONFIG),
            file("manifest.json", json.dumps([item])),
            file("repositories", "{}"),
        ]
    )


def small() -> Image:
    return Image([layer_tar([file("a", "1")])])


def docker_archive(tmp_path: Path, image: Image, name: str, *, oci: bool = True) -> bytes:
    path = write_docker_archive(tmp_path / "archive.tar", {name: image}, oci_layout=oci)
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.parametrize("oci", [True, False], ids=["with layout", "without"])
@pytest.mark.parametrize("layers", ["plain", "gzip", "zstd"])
async def test_a_docker_archive(store: ImageStore, tmp_path: Path, oci: bool, layers: str) -> None:
    image = dataclasses.replace(layered_image(), compression=layers, media="docker")  # type: ignore[arg-type]
    data = docker_archive(tmp_path, image, "app:1", oci=oci)
    assert await load(store, data, tmp_path) == ["Loaded image: app:1\n"]
    found = await store.get("app:1")
    assert await store.unpacker.is_unpacked(found.config)
    assert await store.names(found.id) == ["app:1"]
    before = await everything(store.containerd)
    assert await load(store, data, tmp_path) == ["Loaded image: app:1\n"]
    assert await everything(store.containerd) == before
    await store.images.delete("docker.io/library/app:1")
    assert await everything(store.containerd) == NOTHING


@pytest.mark.parametrize("whole", ["gzip", "zstd"])
async def test_a_compressed_archive(store: ImageStore, tmp_path: Path, whole: str) -> None:
    data = compress(docker_archive(tmp_path, small(), "app:1"), whole)  # type: ignore[arg-type]
    assert await load(store, data, tmp_path) == ["Loaded image: app:1\n"]


async def test_an_archive_of_old_has_the_id_that_dockerd_gives(
    store: ImageStore, tmp_path: Path
) -> None:
    told = await load(store, legacy(["a:1", "a:2", "example.com/b"]), tmp_path)
    assert told == [
        "Loaded image: a:1\n",
        "Loaded image: a:2\n",
        "Loaded image: example.com/b:latest\n",
    ]
    expected = "sha256:afd94768ddb40d44569bb022e2b1f2205f4cd19946f06be25e1f4f254d44ce9d"
    assert (await store.get("a:1")).id == expected
    assert await load(store, legacy(None), tmp_path) == [f"Loaded image ID: {expected}\n"]


async def test_a_layer_that_is_here_compressed_is_taken(store: ImageStore, tmp_path: Path) -> None:
    image = dataclasses.replace(small(), media="docker", compression="gzip")
    await load(store, docker_archive(tmp_path, image, "packed:1"), tmp_path)
    plain = dataclasses.replace(image, compression="plain")
    await load(store, docker_archive(tmp_path, plain, "plain:1", oci=False), tmp_path)
    packed, unpacked = await store.get("packed:1"), await store.get("plain:1")
    assert unpacked.manifest.layers == packed.manifest.layers


async def test_names_of_every_kind(store: ImageStore, tmp_path: Path) -> None:
    blobs = Blobs()
    target = small().add_to(blobs)
    identifier = target["digest"]
    ref_name = {"annotations": {"org.opencontainers.image.ref.name": "v1"}}
    invalid = {"annotations": {"io.containerd.image.name": "In Valid"}}
    data = oci_layout(blobs, target | ref_name, target | invalid, target)
    assert await load(store, data, tmp_path) == [
        "Loaded image: v1:latest\n",
        "Loaded image: In Valid\n",
        f"Loaded image ID: {identifier}\n",
        f"Loaded image ID: {identifier}\n",
    ]
    names = {record.name for record in await store.images.list()}
    assert names == {"v1", "In Valid", f"moby-dangling@{identifier}"}


async def test_the_image_that_had_the_name_becomes_dangling(
    store: ImageStore, tmp_path: Path
) -> None:
    await load(store, docker_archive(tmp_path, small(), "app:1"), tmp_path)
    old = (await store.get("app:1")).id
    await load(store, docker_archive(tmp_path, layered_image(), "app:1"), tmp_path)
    assert (await store.get("app:1")).id != old
    assert (await store.resolve(old)).name == f"moby-dangling@{old}"


def multi(*, without: str = "") -> bytes:
    """An index for two platforms, the manifest of one left out."""
    blobs = Blobs()
    images = [
        dataclasses.replace(Image([layer_tar([file("a", arch)])]), architecture=arch)
        for arch in ("amd64", "arm64")
    ]
    index = add_index(blobs, images)
    for manifest in blobs.load(index)["manifests"]:
        if manifest["platform"]["architecture"] == without:
            del blobs[manifest["digest"]]
    return oci_layout(blobs, named(index, "multi:1"))


async def test_one_platform_of_several(store: ImageStore, tmp_path: Path) -> None:
    arm64 = platforms.parse("linux/arm64")
    await load(store, multi(), tmp_path, platform=arm64)
    assert (await store.get("multi:1", arm64)).platform.architecture == "arm64"
    with pytest.raises(NotFound):
        await store.get("multi:1", platforms.parse("linux/amd64"))


async def test_a_platform_may_be_missing_unless_it_is_asked_for(
    store: ImageStore, tmp_path: Path
) -> None:
    arm64 = platforms.parse("linux/arm64")
    with pytest.raises(NotFound, match=r"requested platform \(linux/arm64\) found, but some"):
        await load(store, multi(without="arm64"), tmp_path, platform=arm64)
    assert await everything(store.containerd) == NOTHING
    assert await load(store, multi(without="arm64"), tmp_path) == ["Loaded image: multi:1\n"]


async def test_an_image_for_another_platform_only(store: ImageStore, tmp_path: Path) -> None:
    data = docker_archive(tmp_path, small(), "app:1")
    with pytest.raises(NotFound) as err:
        await load(store, data, tmp_path, platform=platforms.parse("linux/s390x"))
    assert err.value.message == (
        "image app:1 was loaded, but doesn't provide the requested platform (linux/s390x)"
    )
    assert await everything(store.containerd) == NOTHING


async def test_an_image_that_cannot_be_unpacked_is_loaded_all_the_same(
    store: ImageStore, tmp_path: Path
) -> None:
    blobs = Blobs()
    target = Image([b"no tar at all" * 100]).add_to(blobs)
    loaded, failed = await load(store, oci_layout(blobs, named(target, "bad:1")), tmp_path)
    assert loaded == "Loaded image: bad:1\n"
    assert failed.startswith("Error unpacking image bad:1: ")
    _, _, snapshots, _ = await everything(store.containerd)
    assert snapshots == []


def damaged(part: str) -> bytes:
    """A layout with one blob replaced by others of the same size, or left out."""
    blobs = Blobs()
    target = layered_image().add_to(blobs)
    manifest = blobs.load(target)
    names = {"manifest": target, "config": manifest["config"], "layer": manifest["layers"][1]}
    name = names[part]["digest"]
    blobs[name] = b"x" * len(blobs[name])
    return oci_layout(blobs, named(target, "bad:1"))


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
async def test_a_wrong_digest_keeps_nothing(store: ImageStore, tmp_path: Path, part: str) -> None:
    with pytest.raises(InvalidParameter, match="has another digest"):
        await load(store, damaged(part), tmp_path)
    assert await everything(store.containerd) == NOTHING


async def test_a_wrong_size_keeps_nothing(store: ImageStore, tmp_path: Path) -> None:
    blobs = Blobs()
    target = layered_image().add_to(blobs)
    blobs[blobs.load(target)["layers"][0]["digest"]] += b"x"
    with pytest.raises(InvalidParameter, match=r"has \d+ bytes, not \d+"):
        await load(store, oci_layout(blobs, named(target, "bad:1")), tmp_path)
    assert await everything(store.containerd) == NOTHING


@pytest.mark.parametrize("depth", [7, 8, 1500])
async def test_indexes_within_indexes_have_a_limit(
    store: ImageStore, tmp_path: Path, depth: int
) -> None:
    blobs = Blobs()
    target = small().add_to(blobs)
    for _ in range(depth):
        index = {"schemaVersion": 2, "manifests": [target]}
        target = blobs.add_json(index, MEDIA_TYPE_OCI_INDEX)
    data = oci_layout(blobs, named(target, "deep:1"))
    if depth < 8:
        assert await load(store, data, tmp_path) == ["Loaded image: deep:1\n"]
        return
    with pytest.raises(InvalidParameter, match="index within index, more than 8 deep"):
        await load(store, data, tmp_path)
    assert await everything(store.containerd) == NOTHING


async def test_other_bad_archives_keep_nothing(store: ImageStore, tmp_path: Path) -> None:
    good = docker_archive(tmp_path, small(), "app:1")
    blobs = Blobs()
    target = small().add_to(blobs)
    bad = {
        b"": "unrecognized image format",
        b"garbage" * 1000: "invalid tar header",
        good[:1600]: "unexpected EOF",
        gzip.compress(good)[:-10]: "unexpected EOF",
        oci_layout(blobs, target, extra=(file("../x", ""),)): "leads out of the archive",
        oci_layout(Blobs(), target): "is not in the archive",
        oci_layout(blobs): "image might be filtered out",
        legacy(["Bad:tag"]): "normalize image ref",
    }
    for data, message in bad.items():
        with pytest.raises(InvalidParameter, match=message):
            await load(store, data, tmp_path)
    with pytest.raises(InvalidParameter, match="more than 1000 bytes when it is decompressed"):
        await load(store, gzip.compress(good), tmp_path, limits=Limits(size=1000))
    assert await everything(store.containerd) == NOTHING
