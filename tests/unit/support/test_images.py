"""Test images: the same bytes every time, and what they claim to be."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard

from tests.support.images import (
    Blobs,
    Compression,
    Entry,
    Image,
    add_index,
    busybox_archive,
    busybox_image,
    busybox_rootfs,
    compress,
    digest,
    familiar_to_full,
    layer_tar,
    layered_image,
    whiteout,
    write_docker_archive,
    write_oci_layout,
)

if TYPE_CHECKING:
    from pathlib import Path


def _members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive}


def _decompress(data: bytes, how: Compression) -> bytes:
    match how:
        case "gzip":
            return gzip.decompress(data)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(data)
        case "plain":
            return data


def test_the_busybox_archive_is_the_same_every_time(tmp_path: Path) -> None:
    first = busybox_archive(tmp_path / "1.tar").read_bytes()
    busybox_rootfs.cache_clear()
    second = busybox_archive(tmp_path / "2.tar").read_bytes()
    assert digest(first) == digest(second)


def test_busybox_is_a_static_program_with_links_and_users() -> None:
    members = _members(busybox_rootfs())
    assert members["bin/sh"].linkname == "busybox"
    assert members["tmp"].mode == 0o1777
    assert members["root"].mode == 0o700
    with tarfile.open(fileobj=io.BytesIO(busybox_rootfs())) as archive:
        program = archive.extractfile("bin/busybox")
        assert program is not None
        assert b"ld-linux" not in program.read(4096)


def test_a_docker_archive_holds_what_its_manifest_names(tmp_path: Path) -> None:
    image = busybox_image(User="tester")
    path = write_docker_archive(tmp_path / "image.tar", {"thing:1": image})
    with tarfile.open(path) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert manifest[0]["RepoTags"] == ["thing:1"]
        config = json.load(archive.extractfile(manifest[0]["Config"]))  # type: ignore[arg-type]
        assert config["config"]["User"] == "tester"
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
        name = index["manifests"][0]["annotations"]["io.containerd.image.name"]
        assert name == "docker.io/library/thing:1"


def test_the_older_docker_archive_is_no_oci_layout(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    write_docker_archive(path, {"thing:1": busybox_image()}, oci_layout=False)
    members = _members(path.read_bytes())
    assert "manifest.json" in members
    assert "oci-layout" not in members


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_diff_ids_name_the_uncompressed_layers(how: Compression) -> None:
    blobs = Blobs()
    manifest = blobs.load(layered_image(how).add_to(blobs))
    config = blobs.load(manifest["config"])
    names = [digest(_decompress(blobs[layer["digest"]], how)) for layer in manifest["layers"]]
    assert names == config["rootfs"]["diff_ids"]
    assert len(set(names)) == 3


def test_an_index_states_platforms(tmp_path: Path) -> None:
    blobs = Blobs()
    images = [Image([layer_tar([])], architecture=name) for name in ("amd64", "arm64")]
    target = add_index(blobs, images)
    found = [manifest["platform"]["architecture"] for manifest in blobs.load(target)["manifests"]]
    assert found == ["amd64", "arm64"]
    layout = write_oci_layout(tmp_path / "layout.tar", blobs, {"two:latest": target})
    members = _members(layout.read_bytes())
    assert {f"blobs/sha256/{name.partition(':')[2]}" for name in blobs} <= set(members)


def test_hostile_names_are_kept_as_they_are() -> None:
    members = _members(layer_tar([Entry("../../outside"), whiteout("etc/passwd")]))
    assert set(members) == {"../../outside", "etc/.wh.passwd"}


def test_compression_is_deterministic() -> None:
    data = b"x" * 100_000
    assert compress(data, "gzip") == compress(data, "gzip")
    assert compress(data, "zstd") == compress(data, "zstd")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("busybox:latest", "docker.io/library/busybox:latest"),
        ("me/thing:1", "docker.io/me/thing:1"),
        ("127.0.0.1:5000/a:1", "127.0.0.1:5000/a:1"),
        ("localhost/a:1", "localhost/a:1"),
    ],
)
def test_full_names(name: str, full: str) -> None:
    assert familiar_to_full(name) == full
