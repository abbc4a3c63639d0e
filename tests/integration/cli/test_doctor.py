"""`runner doctor` on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engine import Engine

pytestmark = pytest.mark.root


def test_a_host_with_an_engine(engine: Engine, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    flags = [f"--data-root={tmp_path}", f"--containerd={engine.containerd.address}"]
    done = engine.runner("doctor", *flags)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("fail")]
    assert f"ok    overlayfs can be mounted in {tmp_path}" in lines
    assert f"ok    runner {__version__} answers at {engine.host}" in lines
    assert any(line.startswith("ok    containerd serves at ") for line in lines)
    assert lines[-1].startswith("containers can run here")
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_missing_is_told_with_its_remedy(engine: Engine, tmp_path: Path) -> None:
    environment = {"PATH": "/nonexistent", "RUNNER_HOST": f"unix://{tmp_path}/none"}
    done = engine.runner("doctor", f"--containerd={tmp_path}/none", env=environment)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    for text, remedy in (
        ("there is no runc", "apt-get install runc"),
        ("iptables is not installed", "apt-get install iptables"),
        (f"no engine answers at unix://{tmp_path}/none", "start it: runner serve"),
    ):
        at = lines.index(f"fail  {text}")
        assert lines[at + 1].strip() == remedy
    assert lines[-1] == "4 of these must be mended before containers can run"
