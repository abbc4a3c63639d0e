"""Looking up, naming, listing, importing and deleting images in a real containerd."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.containerd.images import Image as Record
from runner.image.deleting import DeleteOptions, delete
from runner.image.import_ import import_image
from runner.image.listing import ImageFilters, LabelFilter
from runner.image.reference import parse
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError
from runner.types.image import (
    MEDIA_TYPE_OCI_CONFIG,
    MEDIA_TYPE_OCI_INDEX,
    MEDIA_TYPE_OCI_MANIFEST,
    Descriptor,
)
from runner.types.wire import to_wire
from tests.integration.image.support import NOTHING, everything, in_pieces
from tests.support.images import compress, digest, file, layer_tar

if TYPE_CHECKING:
    from runner.image.store import ImageStore

LAYER = layer_tar([file("etc/a", "1")])


async def make(store: ImageStore, name: str | None, *changes: str, data: bytes = LAYER) -> str:
    """Import a small image; its ID."""
    reference = parse(name).with_default_tag() if name else None
    return await import_image(
        store, in_pieces(data), reference=reference, changes=changes, message="made"
    )


class Containers:
    """The engine's part: which containers use which image."""

    def __init__(self, running: str | None = None, stopped: str | None = None) -> None:
        self._running, self._stopped = running, stopped

    def running(self, image_id: str) -> str | None:
        return self._running

    def stopped(self, image_id: str) -> str | None:
        return self._stopped

    def any(self, image_id: str) -> str | None:
        return self._running or self._stopped


NOBODY = Containers()


# --- looking up ------------------------------------------------------------------------------


async def test_an_image_is_found_by_all_its_names(store: ImageStore) -> None:
    identifier = await make(store, "app")
    digits = identifier.removeprefix("sha256:")
    for name in (
        "app",
        "app:latest",
        "docker.io/library/app",
        f"app@{identifier}",
        identifier,
        digits,
        digits[:4],
        digits[:12],
        f"sha256:{digits[:7]}",
    ):
        assert (await store.get(name)).id == identifier
        assert (await store.resolve_all(name)).all[0].target.digest == identifier


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "No such image: none:latest"),
        ("no/ne:1", "No such image: no/ne:1"),
        ("abcdef", "No such image: abcdef:latest"),
        ("sha256:abcd", "No such image: sha256:abcd"),
        ("a" * 64, f"No such image: sha256:{'a' * 64}"),
        (f"none@sha256:{'a' * 64}", f"No such image: none@sha256:{'a' * 64}"),
    ],
)
async def test_what_is_not_there_is_told_as_dockerd_tells_it(
    store: ImageStore, name: str, message: str
) -> None:
    for look_up in (store.get, store.resolve_all, store.inspect):
        with pytest.raises(NotFound) as err:
            await look_up(name)
        assert err.value.message == message


async def test_a_digest_of_another_repository_is_not_found(store: ImageStore) -> None:
    identifier = await make(store, "app")
    with pytest.raises(NotFound, match="No such image: other@sha256:"):
        await store.get(f"other@{identifier}")


async def test_an_ambiguous_prefix(store: ImageStore) -> None:
    for last in "01":
        target = Descriptor(MEDIA_TYPE_OCI_MANIFEST, "sha256:" + "ab" * 31 + f"0{last}", 1)
        await store.images.create(Record(f"docker.io/library/app:{last}", target))
    with pytest.raises(NotFound, match=r"^ambiguous reference$"):
        await store.resolve("abab")
    # A name wins over the beginning of an ID.
    await store.images.create(Record("docker.io/library/abab:latest", target))
    assert (await store.resolve("abab")).name == "docker.io/library/abab:latest"


async def test_a_bad_reference_is_refused(store: ImageStore) -> None:
    with pytest.raises(InvalidParameter, match="must be lowercase"):
        await store.get("App")


# --- naming ----------------------------------------------------------------------------------


async def test_tagging_moves_a_name(store: ImageStore) -> None:
    one, two = await make(store, "one"), await make(store, "two", "USER x")
    assert await store.tag("two", parse("one:latest")) == two
    assert (await store.get("one")).id == two
    assert await store.names(two) == ["one:latest", "two:latest"]
    # The image that lost its only name is kept.
    assert (await store.resolve(one)).name == f"moby-dangling@{one}"
    await store.tag(one, parse("again:1"))
    assert await store.names(one) == ["again:1"]
    assert len(await store.images.list()) == 3


# --- importing -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
async def test_an_import_makes_an_image(store: ImageStore, how: str) -> None:
    data = compress(LAYER, how)  # type: ignore[arg-type]
    identifier = await make(store, "app:1", 'CMD ["sh"]', "ENV a=b", data=data)
    image = await store.get("app:1")
    assert image.id == identifier
    assert (image.config.config.cmd, image.config.config.env) == (["sh"], ["a=b"])
    assert image.config.rootfs.diff_ids == [digest(LAYER)]
    assert image.config.history[0].comment == "made"
    assert await store.unpacker.is_unpacked(image.config)
    _, blobs, snapshots, _ = await everything(store.containerd)
    assert (len(blobs), len(snapshots)) == (3, 1)


async def test_an_import_without_name_is_dangling(store: ImageStore) -> None:
    identifier = await make(store, None)
    assert (await store.resolve(identifier)).name == f"moby-dangling@{identifier}"


@pytest.mark.parametrize(
    "data",
    [b"garbage" * 1000, gzip.compress(LAYER)[:-10], compress(LAYER, "zstd")[:-3]],
    ids=["garbage", "gzip", "zstd"],
)
async def test_a_bad_import_keeps_nothing(store: ImageStore, data: bytes) -> None:
    with pytest.raises(RunnerError):
        await make(store, "bad", data=data)
    with pytest.raises(InvalidParameter, match="RUN is not a valid change command"):
        await make(store, "bad", "RUN x")
    assert await everything(store.containerd) == NOTHING


# --- showing ---------------------------------------------------------------------------------


async def test_inspect_has_dockerds_shape(store: ImageStore) -> None:
    identifier = await make(store, "app:1", "LABEL a=b")
    shown = to_wire(await store.inspect("app:1"))
    assert shown["Id"] == identifier
    assert shown["RepoTags"] == ["app:1"]
    assert shown["RepoDigests"] == [f"app@{identifier}"]
    assert shown["Comment"] == "made"
    assert shown["GraphDriver"] == {"Data": None, "Name": "overlayfs"}
    assert shown["RootFS"] == {"Type": "layers", "Layers": [digest(LAYER)]}
    assert shown["Config"]["Labels"] == {"a": "b"}
    assert shown["Config"]["Cmd"] is None
    assert shown["Size"] > len(gzip.compress(LAYER))
    assert shown["Descriptor"]["digest"] == identifier
    assert {"Container", "ContainerConfig", "Variant", "OsVersion", "Manifests"}.isdisjoint(shown)
    (manifest,) = (await store.inspect("app:1", manifests=True)).manifests
    assert (manifest.kind, manifest.available) == ("image", True)


async def test_the_list_has_one_item_for_each_image(store: ImageStore) -> None:
    app = await make(store, "app:1", "LABEL kind=app")
    await store.tag("app:1", parse("app:2"))
    nameless = await make(store, None, "LABEL kind=other")
    listed = {item.id: item for item in await store.list()}
    assert listed.keys() == {app, nameless}
    assert sorted(listed[app].repo_tags) == ["app:1", "app:2"]
    assert listed[app].labels == {"kind": "app"}
    assert listed[app].containers == 0
    assert listed[app].created >= listed[nameless].created - 60
    assert (listed[nameless].repo_tags, listed[nameless].repo_digests) == ([], [])
    shared = await store.list(shared_size=True)
    assert all(item.shared_size > 0 for item in shared)

    async def ids(**filters: object) -> set[str]:
        found = await store.list(ImageFilters(**filters))  # type: ignore[arg-type]
        return {item.id for item in found}

    assert await ids(dangling=True) == {nameless}
    assert await ids(dangling=False) == {app}
    assert await ids(references=("app*",)) == {app}
    assert await ids(references=("other",)) == set()
    assert await ids(labels=(LabelFilter("kind", "other"),)) == {nameless}
    assert await ids(labels=(LabelFilter("none"),)) == set()
    assert await ids(since=("app:1",)) == {nameless}
    assert await ids(before=(nameless,)) == {app}
    assert await ids(until=0.0) == set()
    with pytest.raises(NotFound, match="No such image: none:latest"):
        await store.list(ImageFilters(before=("none",)))


def odd_images() -> dict[str, tuple[Descriptor, list[bytes]]]:
    """What others may have put into the store: a target and the blobs beneath it."""

    def described(media_type: str, data: bytes) -> Descriptor:
        return Descriptor(media_type, digest(data), len(data))

    def image(config: bytes) -> tuple[Descriptor, list[bytes]]:
        manifest = {
            "schemaVersion": 2,
            "config": described(MEDIA_TYPE_OCI_CONFIG, config),
            "layers": [],
        }
        data = msgspec.json.encode(manifest)
        return described(MEDIA_TYPE_OCI_MANIFEST, data), [data, config]

    nonsense = described(MEDIA_TYPE_OCI_MANIFEST, b"nonsense")
    index = msgspec.json.encode({"schemaVersion": 2, "manifests": [nonsense]})
    return {
        "no-time": image(b'{"os":"linux","architecture":"amd64","created":""}'),
        "no-config": image(b"[]"),
        "no-image": (described("application/octet-stream", b"x"), [b"x"]),
        "no-manifest": (nonsense, [b"nonsense"]),
        "no-manifest-below": (described(MEDIA_TYPE_OCI_INDEX, index), [index, b"nonsense"]),
        "no-index": (described(MEDIA_TYPE_OCI_INDEX, b"[]"), [b"[]"]),
    }


async def test_odd_images_hide_no_others(
    store: ImageStore, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make(store, "app:1")
    odd = odd_images()
    async with store.containerd.leases.hold():
        for name, (target, blobs) in odd.items():
            for data in blobs:
                await store.content.write_blob(data, {})
            await store.images.create(Record(f"docker.io/library/{name}:1", target))
        listed = {item.id: item for item in await store.list(shared_size=True, manifests=True)}
    assert listed.keys() == {app, *(target.digest for target, _ in odd.values())}
    assert listed[app].created > 0
    for name, (target, _) in odd.items():
        item = listed[target.digest]
        assert (item.created, item.labels, item.containers) == (0, None, -1), name
        assert item.repo_tags == [f"{name}:1"]
        if name != "no-manifest-below":
            assert f"cannot read all of {target.digest}" in caplog.text


# --- deleting --------------------------------------------------------------------------------


async def deleted(store: ImageStore, name: str, **options: object) -> list[dict[str, str]]:
    usage = options.pop("usage", NOBODY)
    options_ = DeleteOptions(**options)  # type: ignore[arg-type]
    items = await delete(store, name, usage, options_)  # type: ignore[arg-type]
    return [to_wire(item) for item in items]


async def test_the_last_name_takes_the_image(store: ImageStore) -> None:
    identifier = await make(store, "app:1")
    await store.tag("app:1", parse("app:2"))
    assert await deleted(store, "app:1") == [{"Untagged": "app:1"}]
    assert await deleted(store, "app:2") == [{"Untagged": "app:2"}, {"Deleted": identifier}]
    # The answer comes when the space is free.
    assert [info async for info in store.content.list()] == []


async def test_an_id_with_several_names_wants_force(store: ImageStore) -> None:
    identifier = await make(store, "app:1")
    await store.tag("app:1", parse("other:1"))
    short = identifier.removeprefix("sha256:")[:12]
    with pytest.raises(Conflict) as err:
        await deleted(store, short)
    assert err.value.message == (
        f"conflict: unable to delete {short} (must be forced) - image is referenced in multiple "
        "repositories"
    )
    assert await deleted(store, short, force=True) == [
        {"Untagged": "app:1"},
        {"Untagged": "other:1"},
        {"Deleted": identifier},
    ]


async def test_containers_stand_against_it(store: ImageStore) -> None:
    identifier = await make(store, "app:1")
    short = identifier.removeprefix("sha256:")[:12]
    stopped, running = Containers(stopped="c" * 64), Containers(running="d" * 64)
    expected = {
        ("app:1", stopped, False): (
            f"app:1 (must be forced) - container {'c' * 12} is using its referenced image {short}"
        ),
        (short, stopped, False): (
            f"{short} (must be forced) - image is being used by stopped container {'c' * 12}"
        ),
        (short, running, True): (
            f"{short} (cannot be forced) - image is being used by running container {'d' * 12}"
        ),
    }
    for (name, usage, force), message in expected.items():
        with pytest.raises(Conflict) as err:
            await deleted(store, name, usage=usage, force=force)
        assert err.value.message == f"conflict: unable to delete {message}"
    # Forced by name, the name goes and the image stays.
    assert await deleted(store, "app:1", usage=running, force=True) == [{"Untagged": "app:1"}]
    assert (await store.resolve(identifier)).name == f"moby-dangling@{identifier}"
    assert await deleted(store, short, usage=stopped, force=True) == [{"Deleted": identifier}]


async def test_deleting_what_is_not_there(store: ImageStore) -> None:
    with pytest.raises(NotFound, match="No such image: none:latest"):
        await deleted(store, "none")
