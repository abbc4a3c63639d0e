"""Volumes that go with their container: one that stays does not keep the others."""

import shutil
from pathlib import Path

import pytest

from runner.types.errors import System
from runner.volume import VolumeStore, remove_volumes


async def test_every_volume_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = VolumeStore(tmp_path)
    await store.open()
    for name in ("used", "stuck", "last"):
        await store.create(name, reference="other" if name == "used" else "")
    remove = shutil.rmtree

    def rmtree(path: Path) -> None:
        if path.name == "stuck":
            raise OSError(5, "Input/output error")
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with pytest.raises(System, match=r"^Error removing volumes:\nremove stuck: error removing"):
        await remove_volumes(store, ["gone", "used", "stuck", "last"])
    assert [volume.name for volume in store.volumes()] == ["stuck", "used"]
