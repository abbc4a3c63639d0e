"""Test images made offline, byte for byte the same on every run.

An image is a value; `Blobs` is what it becomes: content by digest, ready to be written as an
archive (`write_docker_archive`, `write_oci_layout`) or pushed to a registry
(`tests.support.registry`). Hostile archives are made the same way: an `Entry` is not checked.
"""

from __future__ import annotations

import bz2
import dataclasses
import functools
import gzip
import hashlib
import io
import json
import lzma
import platform
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import zstandard

from tests.support.toolchain import static_busybox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

Compression = Literal["plain", "gzip", "zstd"]
Media = Literal["oci", "docker"]
Descriptor = dict[str, Any]

CREATED: Final = "2024-01-02T03:04:05Z"
MTIME: Final = 1704164645
BUSYBOX: Final = "busybox:latest"

_MANIFEST: Final = {
    "oci": "application/vnd.oci.image.manifest.v1+json",
    "docker": "application/vnd.docker.distribution.manifest.v2+json",
}
_INDEX: Final = {
    "oci": "application/vnd.oci.image.index.v1+json",
    "docker": "application/vnd.docker.distribution.manifest.list.v2+json",
}
_CONFIG: Final = {
    "oci": "application/vnd.oci.image.config.v1+json",
    "docker": "application/vnd.docker.container.image.v1+json",
}
_LAYER: Final[dict[tuple[Media, Compression], str]] = {
    ("oci", "plain"): "application/vnd.oci.image.layer.v1.tar",
    ("oci", "gzip"): "application/vnd.oci.image.layer.v1.tar+gzip",
    ("oci", "zstd"): "application/vnd.oci.image.layer.v1.tar+zstd",
    ("docker", "plain"): "application/vnd.docker.image.rootfs.diff.tar",
    ("docker", "gzip"): "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ("docker", "zstd"): "application/vnd.docker.image.rootfs.diff.tar.zstd",
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One member of a layer. Names and targets are taken as they are, however hostile."""

    name: str
    data: bytes = b""
    kind: bytes = tarfile.REGTYPE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def info(self) -> tarfile.TarInfo:
        """The tar header."""
        info = tarfile.TarInfo(self.name)
        info.type, info.mode, info.uid, info.gid = self.kind, self.mode, self.uid, self.gid
        info.size, info.mtime, info.linkname = len(self.data), MTIME, self.link
        info.devmajor, info.devminor = self.device
        info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in self.xattrs.items()}
        return info


def directory(name: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """A directory."""
    return Entry(name, kind=tarfile.DIRTYPE, mode=mode, uid=uid, gid=gid)


def file(
    name: str, data: bytes | str = b"", mode: int = 0o644, uid: int = 0, gid: int = 0
) -> Entry:
    """A regular file."""
    return Entry(
        name, data.encode() if isinstance(data, str) else data, mode=mode, uid=uid, gid=gid
    )


def symlink(name: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(name, kind=tarfile.SYMTYPE, mode=0o777, link=target)


def hardlink(name: str, target: str) -> Entry:
    """A hard link to another member."""
    return Entry(name, kind=tarfile.LNKTYPE, link=target)


def device(name: str, major: int, minor: int) -> Entry:
    """A character device."""
    return Entry(name, kind=tarfile.CHRTYPE, mode=0o666, device=(major, minor))


def whiteout(name: str) -> Entry:
    """The mark that removes a path of the layers below."""
    folder, _, base = name.rpartition("/")
    return file(f"{folder}/.wh.{base}" if folder else f".wh.{base}")


def opaque(folder: str) -> Entry:
    """The mark that hides all that the layers below have in a directory."""
    return file(f"{folder}/.wh..wh..opq")


def layer_tar(entries: Iterable[Entry]) -> bytes:
    """The uncompressed tar of a layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            archive.addfile(entry.info(), io.BytesIO(entry.data))
    return buffer.getvalue()


COMPRESSORS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
"""All that archives come compressed with, by name."""


def compress(data: bytes, how: Compression) -> bytes:
    """Compress deterministically."""
    if how == "gzip":
        return gzip.compress(data, compresslevel=6, mtime=0)
    if how == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(data)
    return data


def digest(data: bytes) -> str:
    """The content's name."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Blobs(dict[str, bytes]):
    """Content by digest."""

    def add(self, data: bytes, media_type: str) -> Descriptor:
        """Keep content, and describe it."""
        name = digest(data)
        self[name] = data
        return {"mediaType": media_type, "digest": name, "size": len(data)}

    def add_json(self, value: object, media_type: str) -> Descriptor:
        """Keep a JSON document, and describe it."""
        return self.add(json.dumps(value, separators=(",", ":")).encode(), media_type)

    def load(self, descriptor: Descriptor) -> Any:
        """The JSON document that a descriptor names."""
        return json.loads(self[descriptor["digest"]])


@dataclasses.dataclass(frozen=True)
class Image:
    """One image for one platform."""

    layers: Sequence[bytes]
    """Uncompressed layer tars, the lowest first."""
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The `config` object of the image configuration (Env, Cmd, User, …)."""
    compression: Compression = "gzip"
    media: Media = "oci"
    architecture: str = ""
    variant: str = ""
    created: str = CREATED

    def with_config(self, **config: Any) -> Self:
        """The same image with some fields of its `config` replaced."""
        return dataclasses.replace(self, config={**self.config, **config})

    def platform(self) -> dict[str, str]:
        """The platform as an index states it."""
        found = {"architecture": self.architecture or host_architecture(), "os": "linux"}
        return found | ({"variant": self.variant} if self.variant else {})

    def image_config(self) -> dict[str, Any]:
        """The whole image configuration."""
        return {
            "created": self.created,
            **self.platform(),
            "config": dict(self.config),
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in self.layers]},
            "history": [
                {"created": CREATED, "created_by": f"layer {number}"}
                for number in range(len(self.layers))
            ],
        }

    def add_to(self, blobs: Blobs) -> Descriptor:
        """Put the image among the blobs; the descriptor of its manifest."""
        kind = _LAYER[self.media, self.compression]
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST[self.media],
            "config": blobs.add_json(self.image_config(), _CONFIG[self.media]),
            "layers": [blobs.add(compress(layer, self.compression), kind) for layer in self.layers],
        }
        return blobs.add_json(manifest, _MANIFEST[self.media])


def add_index(blobs: Blobs, images: Iterable[Image], media: Media = "oci") -> Descriptor:
    """Put images for several platforms among the blobs; the descriptor of their index."""
    manifests = [image.add_to(blobs) | {"platform": image.platform()} for image in images]
    index = {"schemaVersion": 2, "mediaType": _INDEX[media], "manifests": manifests}
    return blobs.add_json(index, _INDEX[media])


def host_architecture() -> str:
    """This machine's architecture, by Go's name."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine)


# --- archives --------------------------------------------------------------------------------


def write_docker_archive(
    path: Path, images: Mapping[str, Image], *, oci_layout: bool = True, extra: Iterable[Entry] = ()
) -> Path:
    """What `docker save` writes: image names to images. Layers are stored as they are compressed.

    With `oci_layout` the form since Docker 25, which is an OCI layout as well; without, the older
    one that only has manifest.json.
    """
    blobs, names, manifests = Blobs(), [], []
    for name, image in images.items():
        target = image.add_to(blobs)
        manifest = blobs.load(target)
        manifests.append(
            {
                "Config": _blob_path(manifest["config"]),
                "RepoTags": [name],
                "Layers": [_blob_path(layer) for layer in manifest["layers"]],
            }
        )
        names.append((name, target))
    entries = [*_blob_entries(blobs), _json_file("manifest.json", manifests), *extra]
    if oci_layout:
        entries += _layout_entries(names)
    path.write_bytes(layer_tar(entries))
    return path


def write_oci_layout(path: Path, blobs: Blobs, targets: Mapping[str, Descriptor]) -> Path:
    """An OCI image layout in a tar: names to the descriptors that they stand for."""
    entries = [*_layout_entries(list(targets.items())), *_blob_entries(blobs)]
    path.write_bytes(layer_tar(entries))
    return path


def _layout_entries(targets: Sequence[tuple[str, Descriptor]]) -> list[Entry]:
    manifests = [target | {"annotations": _annotations(name)} for name, target in targets]
    index = {"schemaVersion": 2, "mediaType": _INDEX["oci"], "manifests": manifests}
    return [
        _json_file("oci-layout", {"imageLayoutVersion": "1.0.0"}),
        _json_file("index.json", index),
    ]


def _annotations(name: str) -> dict[str, str]:
    tag = name.rpartition(":")[2]
    return {
        "io.containerd.image.name": familiar_to_full(name),
        "org.opencontainers.image.ref.name": tag,
    }


def familiar_to_full(name: str) -> str:
    """docker.io/library/busybox:latest for busybox:latest (for the plain names tests use)."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _blob_entries(blobs: Blobs) -> list[Entry]:
    folders = [directory("blobs"), directory("blobs/sha256")]
    return folders + [file(_blob_path({"digest": name}), data) for name, data in blobs.items()]


def _blob_path(descriptor: Descriptor) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _json_file(name: str, value: object) -> Entry:
    return file(name, json.dumps(value, separators=(",", ":")))


# --- busybox ---------------------------------------------------------------------------------

PASSWD: Final = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
tester:x:1000:1000:tester:/home/tester:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP: Final = """\
root:x:0:
daemon:x:1:
www-data:x:33:
tester:x:1000:
extra:x:2000:tester
more:x:2001:tester,daemon
nogroup:x:65534:
"""


@functools.cache
def busybox_rootfs() -> bytes:
    """The one layer of a small system: a static busybox under all its names, users, /tmp."""
    program = static_busybox()
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    applets = sorted(set(listed.stdout.split()) - {"busybox"})
    folders = ["bin", "dev", "etc", "home", "proc", "sys", "usr", "usr/bin", "usr/sbin", "var"]
    return layer_tar(
        [
            *(directory(name) for name in folders),
            directory("root", 0o700),
            directory("home/tester", 0o755, 1000, 1000),
            directory("tmp", 0o1777),
            file("bin/busybox", program.read_bytes(), 0o755),
            *(symlink(f"bin/{applet}", "busybox") for applet in applets),
            symlink("usr/bin/env", "../../bin/busybox"),
            file("etc/passwd", PASSWD),
            file("etc/group", GROUP),
            file("etc/hostname", "image\n"),
        ]
    )


def busybox_image(**config: Any) -> Image:
    """The image most tests run; `config` replaces fields of its configuration."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Image([busybox_rootfs()]).with_config(
        **{"Env": [f"PATH={path}"], "Cmd": ["sh"], **config}
    )


def busybox_archive(path: Path, name: str = BUSYBOX, **config: Any) -> Path:
    """A docker-save archive of the busybox image, for `docker load`."""
    return write_docker_archive(path, {name: busybox_image(**config)})


def layered_image(compression: Compression = "gzip", media: Media = "oci") -> Image:
    """An image whose upper layers change, remove and hide what the lower ones have."""
    second = [
        directory("data"),
        *(file(f"data/{name}", f"{name} of layer 1\n") for name in ("kept", "changed", "removed")),
        directory("data/hidden"),
        file("data/hidden/old", "layer 1\n"),
        hardlink("data/linked", "data/kept"),
    ]
    third = [
        file("data/changed", "changed in layer 2\n"),
        whiteout("data/removed"),
        directory("data/hidden"),
        opaque("data/hidden"),
        file("data/hidden/new", "layer 2\n"),
    ]
    layers = [busybox_rootfs(), layer_tar(second), layer_tar(third)]
    return Image(layers, busybox_image().config, compression, media)


def main(arguments: Sequence[str]) -> int:
    """Write the busybox archive, for experiments by hand: `… FILE [NAME]`."""
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(prog="python -m tests.support.images", allow_abbrev=False)
    parser.add_argument("file", type=Path, help="the archive, for `docker load`")
    parser.add_argument("name", nargs="?", default=BUSYBOX, help="what the image is called")
    wanted = parser.parse_args(arguments)
    print(busybox_archive(wanted.file.absolute(), wanted.name))
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
