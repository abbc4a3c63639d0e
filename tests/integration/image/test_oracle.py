"""The same archives and changes go to a real dockerd; what it tells and shows, we do."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from runner.image.import_ import import_image
from runner.image.reference import parse
from runner.types.errors import RunnerError
from runner.types.wire import to_wire
from tests.integration.image.support import in_pieces, load, named, oci_layout
from tests.integration.image.test_load import legacy, multi
from tests.integration.image.test_store import LAYER
from tests.support.images import (
    Blobs,
    add_index,
    device,
    directory,
    file,
    layer_tar,
    layered_image,
    symlink,
    write_docker_archive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.image.store import ImageStore
    from tests.support.containerd import Containerd as Daemon
    from tests.support.dockerd import Dockerd

pytestmark = pytest.mark.oracle


@pytest.fixture
def any_containerd(containerd: Daemon) -> Daemon:
    """One version is enough here."""
    return containerd


@pytest.fixture
def empty_oracle(oracle: Dockerd) -> Iterator[Dockerd]:
    """The oracle without images."""
    _remove_images(oracle)
    yield oracle
    _remove_images(oracle)


def _remove_images(oracle: Dockerd) -> None:
    for item in oracle.api("GET", "/v1.51/images/json?all=1").json():
        oracle.api("DELETE", f"/v1.51/images/{item['Id']}?force=1")


def archives(tmp_path: Path) -> dict[str, bytes]:
    path = tmp_path / "archive.tar"
    made: dict[str, bytes] = {}
    for layers in ("plain", "gzip", "zstd"):
        for oci in (True, False):
            image = dataclasses.replace(layered_image(), compression=layers, media="docker")  # type: ignore[arg-type]
            write_docker_archive(path, {"app:1": image}, oci_layout=oci)
            made[f"{layers}, {'with' if oci else 'without'} layout"] = path.read_bytes()
    path.unlink()
    blobs = Blobs()
    target = layered_image().add_to(blobs)
    index = add_index(blobs, [layered_image()])
    two = layer_tar([file("a", ""), file("b", "")])
    return made | {
        "old": legacy(["a:1", "example.com/b"]),
        "old, nameless": legacy(None),
        "old, bad name": legacy(["Bad:tag"]),
        "several platforms": multi(),
        "a platform missing": multi(without="arm64"),
        "an index": oci_layout(blobs, named(index, "index:1")),
        "nameless": oci_layout(blobs, target),
        "no images": oci_layout(blobs),
        "empty": b"",
        "garbage": b"garbage" * 1000,
        "a root filesystem": layer_tar(
            [
                directory("dev"),
                device("dev/null", 1, 3),
                symlink("bin/sh", "/bin/busybox"),
                file("etc/passwd", "root"),
            ]
        ),
        "cut off": two[:700],
        "a block of zeros": two[:512] + bytes(512) + two[512:],
    }


async def test_archives_are_loaded_as_dockerd_loads_them(
    store: ImageStore, empty_oracle: Dockerd, tmp_path: Path
) -> None:
    for what, data in archives(tmp_path).items():
        expected = _load(empty_oracle, data)
        try:
            told = await load(store, data, tmp_path)
        except RunnerError as err:
            told = [err.message]
        assert told == expected, what
        assert await _ours(store) == _theirs(empty_oracle), what
        _remove_images(empty_oracle)
        for record in await store.images.list():
            await store.images.delete(record.name, sync=True)


def _load(oracle: Dockerd, data: bytes) -> list[str]:
    lines = oracle.api("POST", "/v1.51/images/load?quiet=0", data).body.splitlines()
    decoded = [json.loads(line) for line in lines]
    return [line.get("stream") or line["error"] for line in decoded]


async def _ours(store: ImageStore) -> list[Any]:
    items = to_wire(await store.list())
    shown = [to_wire(await store.inspect(item["Id"])) for item in items]
    return _comparable([*items, *shown])


def _theirs(oracle: Dockerd) -> list[Any]:
    items = oracle.api("GET", "/v1.51/images/json?all=1").json()
    shown = [oracle.api("GET", f"/v1.51/images/{item['Id']}/json").json() for item in items]
    return _comparable([*items, *shown])


def _comparable(values: list[Any]) -> list[str]:
    for value in values:
        value.pop("Metadata", None)  # when it was tagged
        value["RepoTags"].sort()
        value["RepoDigests"].sort()
        # Of several names dockerd gives one in the descriptor, which one is chance.
        value["Descriptor"].pop("annotations", None)
    return sorted(json.dumps(json.loads(json.dumps(value)), sort_keys=True) for value in values)


CHANGES = [
    [],
    ['CMD ["a"]', "ENTRYPOINT b c", "ENV x=1 y=$x", "USER me", "WORKDIR /a"],
    ["EXPOSE 80 90-91/udp", "VOLUME /v", 'LABEL a="b c"', "STOPSIGNAL SIGINT", "ONBUILD RUN x"],
    ["HEALTHCHECK --interval=5s --retries=2 CMD true"],
    ["ENV a"],
    ["HEALTHCHECK --nonsense=1 CMD x"],
    ["RUN x"],
]


@pytest.mark.parametrize("changes", CHANGES)
async def test_an_import_is_dockerds(
    store: ImageStore, empty_oracle: Dockerd, changes: list[str]
) -> None:
    query = [("fromSrc", "-"), ("repo", "app"), ("message", "made")]
    query += [("changes", change) for change in changes]
    answer = empty_oracle.api("POST", f"/v1.51/images/create?{urlencode(query)}", LAYER)
    reference = parse("app:latest")
    try:
        identifier = await import_image(
            store, in_pieces(LAYER), reference=reference, changes=changes, message="made"
        )
    except RunnerError as err:
        assert (answer.status, answer.message) == (400, err.message)
        return
    assert answer.status == 200
    theirs = empty_oracle.api("GET", "/v1.51/images/app/json").json()
    ours = to_wire(await store.inspect(identifier))
    # Digests differ with the moment of the import.
    for field in ("Architecture", "Author", "Comment", "Config", "Os", "RepoTags", "RootFS"):
        assert ours[field] == theirs[field], field
    assert ours.keys() == theirs.keys()
