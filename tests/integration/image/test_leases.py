"""What works on images keeps what it works on from being deleted under it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from runner.containerd.leases import Lease
from runner.image import commit as commit_module
from runner.image.commit import Commit, commit_image
from runner.image.listing import ImageFilters
from runner.image.pruning import prune
from runner.image.pull import pull
from runner.image.push import push
from runner.image.reference import parse
from runner.image.registry.pusher import Pusher
from runner.types.errors import NotFound
from runner.types.image import ImageRunConfig
from tests.integration.image.support import everything, load, named, oci_layout
from tests.integration.image.support import push as put
from tests.support.images import Blobs, Image, file, layer_tar

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from runner.image.store import ImageStore
    from tests.support.registry import Registry

LOWER, UPPER = (layer_tar([file(name, name)]) for name in ("lower", "upper"))


async def loaded(store: ImageStore, tmp_path: Path, name: str, *layers: bytes) -> Blobs:
    """An image in the store under the name; its blobs."""
    blobs = Blobs()
    target = named(Image(list(layers)).add_to(blobs), name)
    await load(store, oci_layout(blobs, target), tmp_path)
    return blobs


async def delete_all(store: ImageStore) -> None:
    """Take all names away and wait for the collector."""
    for record in await store.images.list():
        with contextlib.suppress(NotFound):  # somebody else was faster
            await store.images.delete(record.name, sync=True)


async def test_an_image_deleted_under_its_push_is_pushed(
    one_store: ImageStore, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry.address}/team/deleted:1"
    await loaded(one_store, tmp_path, name, LOWER, UPPER)
    offer = Pusher.offer

    async def late(*args: Any) -> Any:
        await delete_all(one_store)
        return await offer(*args)

    monkeypatch.setattr(Pusher, "offer", late)
    await push(one_store, parse(name))
    assert registry.request("GET", "/v2/team/deleted/tags/list")[0] == 200
    assert await everything(one_store.containerd) == ([], [], [], [])


async def test_a_loaded_image_keeps_the_layers_of_one_deleted_meanwhile(
    one_store: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await loaded(one_store, tmp_path, "base:1", LOWER)
    blobs = Blobs()
    target = named(Image([LOWER, UPPER]).add_to(blobs), "app:1")
    lacking = Blobs({digest: data for digest, data in blobs.items() if digest not in base})
    load_module = importlib.import_module("runner.image.archive.load")
    ingest_document = load_module.ingest_document

    async def late(*args: Any) -> Any:
        await one_store.images.delete("docker.io/library/base:1", sync=True)
        monkeypatch.undo()
        return await ingest_document(*args)

    monkeypatch.setattr(load_module, "ingest_document", late)
    assert await load(one_store, oci_layout(lacking, target), tmp_path) == ["Loaded image: app:1\n"]
    found = await one_store.get("app:1")
    assert await one_store.documents.is_complete(found.descriptor)


async def test_a_commit_keeps_the_layers_of_a_parent_deleted_meanwhile(
    one_store: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await loaded(one_store, tmp_path, "base:1", LOWER, UPPER)
    parent = await one_store.get("base:1")
    # Labelled, as a container's is held by its own lease or label.
    root = {"containerd.io/gc.root": "now"}
    await one_store.snapshots.prepare("container", parent.chain_id, root)
    create_diff = commit_module._create_diff

    async def late(*args: Any) -> Any:
        await delete_all(one_store)
        return await create_diff(*args)

    monkeypatch.setattr(commit_module, "_create_diff", late)
    commit = Commit(
        "container", one_store.snapshotter, parent.descriptor, parent.id, ImageRunConfig(), []
    )
    image_id = await commit_image(one_store, commit)
    found = await one_store.get(image_id)
    assert await one_store.documents.is_complete(found.descriptor)
    await one_store.snapshots.remove("container")


async def test_pruning_leaves_a_pull_what_it_has_and_survives_one_that_ends(
    one_store: ImageStore, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(registry, "team/pruned", "1", Image([LOWER, UPPER]))
    leases = one_store.containerd.leases
    listed = leases.list
    began, go_on = asyncio.Event(), asyncio.Event()
    unpack = one_store.unpacker.unpack

    async def slow(*args: Any) -> Any:
        began.set()
        await go_on.wait()
        return await unpack(*args)

    async def with_one_that_is_gone(*filters: str) -> list[Lease]:
        return [*await listed(*filters), Lease("gone")]

    monkeypatch.setattr(one_store.unpacker, "unpack", slow)
    monkeypatch.setattr(leases, "list", with_one_that_is_gone)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pull(one_store, parse(name)))
        await began.wait()
        await prune(one_store, ImageFilters(), [])
        go_on.set()
    found = await one_store.get(name)
    assert await one_store.documents.is_complete(found.descriptor)
    # What a broken-off pull has left goes.
    left = await leases.create(labels={"moby/prune.images": "true"})
    await prune(one_store, ImageFilters(), [])
    assert left.id not in [lease.id for lease in await listed()]
