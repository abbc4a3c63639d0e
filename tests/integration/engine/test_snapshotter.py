"""Where the data lies on an overlay itself, as in docker-in-docker without a volume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.linux.mount import mount
from tests.support.containerd import Containerd
from tests.support.engine import Engine
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stacked(tmp_path: Path) -> Iterator[Containerd]:
    """A containerd whose directory is an overlay."""
    workspace = Workspace.make()
    layers = {name: tmp_path / name for name in ("lower", "upper", "work")}
    for layer in layers.values():
        layer.mkdir()
    (workspace.path / "root").mkdir()
    options = ",".join(f"{name}dir={layer}" for name, layer in layers.items())
    mount("overlay", workspace.path / "root", "overlay", data=options)
    with Containerd(workspace=workspace) as started:
        yield started


def driver(engine: Engine) -> str:
    return str(json.loads(engine.docker("info", "--format={{json .Driver}}").stdout))


def test_images_are_copied_where_overlays_do_not_stack(
    stacked: Containerd, busybox_tar: Path
) -> None:
    with Engine(stacked) as engine:
        assert driver(engine) == "native"
        told = engine.daemon.log.read_text()
        assert "no overlay can be mounted in" in told
        assert "the snapshotter is native, which copies an image for each container" in told
        engine.load(busybox_tar)
        assert engine.docker("run", "--name=box", "busybox", "touch", "/made").returncode == 0
        assert engine.docker("diff", "box").stdout == "A /made\n"
        engine.restart()
        assert driver(engine) == "native"
        assert "the snapshotter is native, as before" in engine.daemon.log.read_text()
        assert engine.docker("start", "--attach", "box").returncode == 0


def test_what_is_asked_for_is_done(stacked: Containerd) -> None:
    with Engine(stacked, arguments=["--snapshotter=overlayfs"]) as engine:
        assert driver(engine) == "overlayfs"
