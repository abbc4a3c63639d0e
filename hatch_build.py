"""Generates what is not written by hand: hatchling's build hook, and `python hatch_build.py`.

Every wheel, editable or not, runs the GENERATORS first; an sdist carries their sources only. What
they make is ignored by git and named as artifacts in pyproject.toml.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROTOS = Path("protos/containerd")
STUBS = Path("runner/containerd/_pb")
STAMP = "STAMP"


class CustomBuildHook(BuildHookInterface[Any]):
    """Named and found so by hatchling (tool.hatch.build.hooks.custom)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generate, and let the wheel require runtimes at least as new as its generated code."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        generate(root)
        build_data["dependencies"].extend(runtime_requirements(root))


def generate(root: Path) -> None:
    """Bring every generated file below `root` up to date."""
    for generator in GENERATORS:
        generator(root)


def generate_stubs(root: Path) -> None:
    """Make runner/containerd/_pb from the .proto files, unless nothing has changed.

    The new package is complete before it takes the old one's place.
    """
    if stubs_are_current(root):
        return
    target = root / STUBS
    with tempfile.TemporaryDirectory(prefix="._pb-", dir=target.parent) as scratch:
        protoc(root, Path(scratch).relative_to(root))
        made = Path(scratch) / STUBS
        for directory in (made, *(path for path in made.rglob("*") if path.is_dir())):
            (directory / "__init__.py").touch()
        (made / STAMP).write_text(fingerprint(root))
        shutil.rmtree(target, ignore_errors=True)
        made.replace(target)


def protoc(root: Path, output: Path) -> None:
    """Compile all messages, and stubs for those files that declare a service.

    Run in a process of its own for its working directory: its options have no way to write a path
    with `:` or `=` in it, so only relative ones are given.
    """
    protos = sorted(path.relative_to(root) for path in (root / PROTOS).rglob("*.proto"))
    services = [path for path in protos if path.is_relative_to(PROTOS / "services")]
    compiler = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={STUBS}={PROTOS}"]
    for outputs, files in (
        ([f"--python_out={output}", f"--pyi_out={output}"], protos),
        ([f"--grpc_python_out={output}"], services),
    ):
        subprocess.run([*compiler, *outputs, *map(str, files)], cwd=root, check=True)


def stubs_are_current(root: Path) -> bool:
    """Whether the stubs were made from these .proto files by this version of the compiler."""
    stamp = root / STUBS / STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint(root)


def fingerprint(root: Path) -> str:
    """A digest of everything that the stubs are made from, this file included."""
    digest = hashlib.sha256(importlib.metadata.version("grpcio-tools").encode())
    digest.update(Path(__file__).read_bytes())
    for path in sorted((root / PROTOS).rglob("*.proto")):
        name = str(path.relative_to(root)).encode()
        digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def runtime_requirements(root: Path) -> list[str]:
    """What the generated modules demand of the libraries that load them.

    protobuf refuses a runtime older than the generated code, or two major versions newer; grpc
    refuses an older one. Both write their version into what they generate.
    """
    service = root / STUBS / "services/version/v1"
    protobuf = _version_in(service / "version_pb2.py", r"Protobuf Python Version: ([\d.]+)")
    grpc = _version_in(service / "version_pb2_grpc.py", r"GRPC_GENERATED_VERSION = '([\d.]+)'")
    return [f"protobuf>={protobuf},<{int(protobuf.split('.')[0]) + 2}", f"grpcio>={grpc}"]


def _version_in(module: Path, pattern: str) -> str:
    found = re.search(pattern, module.read_text())
    if found is None:
        raise ValueError(f"{module} does not say which version it was generated for")
    return found[1]


def generate_table(root: Path) -> None:
    """Make runner/cli/_table.py, the command line's flags, from the typer declarations."""
    # PYTHONSAFEPATH, which pipx sets, keeps the working directory from being looked into
    search = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "PYTHONPATH": search}
    subprocess.run([sys.executable, "-m", "runner.cli.tablegen"], cwd=root, env=env, check=True)


GENERATORS = (generate_stubs, generate_table)


if __name__ == "__main__":
    generate(Path(__file__).parent)
