"""The build hook: what it generates, when it does so again, what it makes the wheel require."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hatch_build = load(ROOT / "hatch_build.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with protos and without stubs, in a directory that protoc finds difficult."""
    root = tmp_path / "a:b=c d"
    shutil.copytree(ROOT / "protos", root / "protos")
    (root / "runner/containerd").mkdir(parents=True)
    return root


def test_the_working_trees_stubs_are_current() -> None:
    assert hatch_build.stubs_are_current(ROOT), "run `python hatch_build.py`"


def test_stubs_are_generated_inside_the_package_and_typed(tree: Path) -> None:
    hatch_build.generate_stubs(tree)
    stubs = tree / hatch_build.STUBS
    tasks = stubs / "services/tasks/v1"
    assert {path.name for path in tasks.iterdir()} == {
        "__init__.py",
        "tasks_pb2.py",
        "tasks_pb2.pyi",
        "tasks_pb2_grpc.py",
    }
    assert (
        "from runner.containerd._pb.types import mount_pb2" in (tasks / "tasks_pb2.py").read_text()
    )
    assert not list((stubs / "types").glob("*_grpc.py"))
    packages = {path.parent for path in stubs.rglob("*.py")}
    assert all((package / "__init__.py").exists() for package in packages)
    assert list((tree / "runner/containerd").iterdir()) == [stubs]


def test_package_names_stay_containerds() -> None:
    for proto in (ROOT / hatch_build.PROTOS).rglob("*.proto"):
        assert re.search(r"^package (io\.)?containerd\.", proto.read_text(), re.MULTILINE), proto


def test_nothing_is_done_twice_and_a_change_is_noticed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Path] = []
    protoc = hatch_build.protoc
    monkeypatch.setattr(hatch_build, "protoc", lambda *args: (runs.append(tree), protoc(*args)))
    for _ in range(2):
        hatch_build.generate_stubs(tree)
    assert len(runs) == 1
    proto = tree / hatch_build.PROTOS / "types/mount.proto"
    proto.write_text(proto.read_text().replace("string source = 2;", "string origin = 2;"))
    assert not hatch_build.stubs_are_current(tree)
    hatch_build.generate_stubs(tree)
    assert "origin" in (tree / hatch_build.STUBS / "types/mount_pb2.pyi").read_text()


def test_a_failure_leaves_the_old_stubs(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hatch_build.generate_stubs(tree)
    proto = tree / hatch_build.PROTOS / "types/mount.proto"
    proto.write_text("nonsense")
    with pytest.raises(subprocess.CalledProcessError):
        hatch_build.generate_stubs(tree)
    assert "mount.proto" in capfd.readouterr().err
    assert (tree / hatch_build.STUBS / "types/mount_pb2.py").exists()
    assert [path.name for path in (tree / "runner/containerd").iterdir()] == ["_pb"]


def test_the_wheel_requires_runtimes_that_load_its_code() -> None:
    protobuf, grpc = hatch_build.runtime_requirements(ROOT)
    assert protobuf.startswith("protobuf>=")
    assert ",<" in protobuf
    assert grpc.startswith("grpcio>=")


def test_importing_the_stubs_leaves_the_standard_librarys_types_alone() -> None:
    code = (
        "import types, runner.containerd.client;"
        "assert types.SimpleNamespace and '_pb' not in types.__file__"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)
