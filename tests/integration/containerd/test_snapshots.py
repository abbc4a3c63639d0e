"""Snapshots of overlayfs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.containerd.snapshots import Info, Kind
from runner.containerd.values import ZERO_TIME
from runner.types.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidParameter,
    NotFound,
)

if TYPE_CHECKING:
    from runner.containerd.client import Containerd

pytestmark = pytest.mark.usefixtures("held")


async def test_layers_from_preparation_to_removal(client: Containerd) -> None:
    snapshots = client.snapshots()
    (base,) = await snapshots.prepare("base-active", labels={"a": "1"})
    assert (base.type, base.options) == ("bind", ("rw", "rbind"))
    await snapshots.commit("base", "base-active", {"b": "2"})
    (layer,) = await snapshots.prepare("rw", "base")
    assert layer.type == "overlay"
    assert {option.split("=")[0] for option in layer.options} >= {"lowerdir", "upperdir", "workdir"}
    assert await snapshots.mounts("rw") == [layer]
    (view,) = await snapshots.view("ro", "base")
    assert "ro" in view.options
    kinds = {info.name: info.kind async for info in snapshots.list()}
    assert kinds == {"base": Kind.COMMITTED, "rw": Kind.ACTIVE, "ro": Kind.VIEW}
    with pytest.raises(FailedPrecondition, match="cannot remove snapshot with child"):
        await snapshots.remove("base")
    for name in ("rw", "ro", "base"):
        await snapshots.remove(name)
    assert [info async for info in snapshots.list()] == []


async def test_stat_and_usage(client: Containerd) -> None:
    snapshots = client.snapshots()
    await snapshots.prepare("active", labels={"a": "1"})
    info = await snapshots.stat("active")
    assert (info.name, info.parent, info.kind) == ("active", "", Kind.ACTIVE)
    assert info.labels == {"a": "1"}
    assert info.created_at > ZERO_TIME
    usage = await snapshots.usage("active")
    assert usage.inodes == 1
    assert usage.size > 0


async def test_labels_are_replaced_or_changed_one_by_one(client: Containerd) -> None:
    snapshots = client.snapshots()
    await snapshots.prepare("active", labels={"a": "1", "b": "2"})
    updated = await snapshots.update(Info("active", labels={"a": "3"}), "labels.a")
    assert updated.labels == {"a": "3", "b": "2"}
    assert (await snapshots.update(Info("active", labels={"c": "4"}), "labels")).labels == {
        "c": "4"
    }


async def test_filters(client: Containerd) -> None:
    snapshots = client.snapshots()
    await snapshots.prepare("one", labels={"n": "1"})
    await snapshots.prepare("two", labels={"n": "2"})
    assert [info.name async for info in snapshots.list("labels.n==2")] == ["two"]


async def test_names_are_taken_once(client: Containerd) -> None:
    snapshots = client.snapshots()
    await snapshots.prepare("one")
    with pytest.raises(AlreadyExists):
        await snapshots.prepare("one")
    await snapshots.commit("name", "one")
    await snapshots.prepare("two")
    with pytest.raises(AlreadyExists):
        await snapshots.commit("name", "two")
    assert (await snapshots.stat("two")).kind is Kind.ACTIVE


async def test_missing_ones(client: Containerd) -> None:
    snapshots = client.snapshots()
    for call in (
        snapshots.stat("none"),
        snapshots.mounts("none"),
        snapshots.remove("none"),
        snapshots.usage("none"),
        snapshots.commit("name", "none"),
        snapshots.prepare("key", "none"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_another_snapshotter(client: Containerd) -> None:
    (mount,) = await client.snapshots("native").prepare("key")
    assert mount.type == "bind"
    with pytest.raises(NotFound):
        await client.snapshots().stat("key")
    await client.snapshots("native").remove("key")
    with pytest.raises(InvalidParameter, match="snapshotter not loaded: none"):
        await client.snapshots("none").stat("key")
