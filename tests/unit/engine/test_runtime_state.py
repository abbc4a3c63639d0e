"""Which directory of containerd's may be deleted, and which never."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine.runtime_state import delete_bundle
from runner.types.errors import NotFound, System

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.engine.support import FakeEngine

ID = "ab" * 32
OWN = f"io.containerd.runtime.v2.task/runner/{ID}"


class Tasks:
    """containerd's, of which it knows these."""

    def __init__(self, *known: str) -> None:
        self._known = known

    async def get(self, container_id: str) -> None:
        if container_id not in self._known:
            raise NotFound("no such task")


def bundle(path: Path, name: str) -> Path:
    made = path / name
    (made / "rootfs").mkdir(parents=True)
    (made / "config.json").write_text("{}")
    return made


async def delete(engine: FakeEngine, path: Path, *known: str) -> bool:
    engine.containerd = SimpleNamespace(tasks=Tasks(*known), address="/nowhere.sock")
    caller: Any = engine
    return await delete_bundle(caller, ID, path)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="unmounting needs root")


@needs_root
async def test_the_containers_own(fake_engine: FakeEngine, tmp_path: Path) -> None:
    own = bundle(tmp_path, OWN)
    assert await delete(fake_engine, own) is True
    assert not own.exists()


@pytest.mark.parametrize(
    "name",
    [
        f"io.containerd.runtime.v2.task/runner/{'cd' * 32}",
        f"io.containerd.runtime.v2.task/k8s.io/{ID}",
        f"io.containerd.grpc.v1.cri/runner/{ID}",
        f"{OWN}/rootfs",
        f"{OWN}/../{'cd' * 32}",
    ],
    ids=["another's", "another namespace's", "another plugin's", "a part", "another's by dots"],
)
async def test_another_directory_stays(fake_engine: FakeEngine, tmp_path: Path, name: str) -> None:
    (tmp_path / OWN).mkdir(parents=True)
    other = bundle(tmp_path, name)
    assert await delete(fake_engine, other) is False
    assert (other / "config.json").exists()


async def test_that_of_a_task_stays(fake_engine: FakeEngine, tmp_path: Path) -> None:
    own = bundle(tmp_path, OWN)
    assert await delete(fake_engine, own, ID) is False
    assert (own / "config.json").exists()


@needs_root
async def test_what_has_files_of_a_containers_stays(
    fake_engine: FakeEngine, tmp_path: Path
) -> None:
    own = bundle(tmp_path, OWN)
    (own / "rootfs/kept").write_text("x")
    with pytest.raises(System, match="cannot delete the stale bundle"):
        await delete(fake_engine, own)
    assert (own / "rootfs/kept").read_text() == "x"
