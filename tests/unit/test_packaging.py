"""What people install: the source archive, the wheel that is made of it, and the command in it.

Built without isolation, by what the development environment has, so that no network is needed; only
the thorough test installs as a user would.
"""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
_NOT_SHIPPED = {".ci", ".gitattributes", ".git_archival.txt"}
_MADE = ("runner/_version.py", "runner/cli/_table.py")
_NOT_INHERITED = ("PYTHON", "SETUPTOOLS_SCM")
_CLEAN = ("runner/containerd/_pb", *_MADE)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree as a clone has it, without what is generated, and without its history."""
    copy = tmp_path_factory.mktemp("tree") / "runner"
    ignored = shutil.ignore_patterns(".*_cache", ".venv", ".make", ".git", "__pycache__", "dist")
    shutil.copytree(ROOT, copy, ignore=ignored)
    for name in _CLEAN:
        remove(copy / name)
    return copy


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(
        "sdist", tree, tmp_path_factory.mktemp("sdist"), SETUPTOOLS_SCM_PRETEND_VERSION="4.5.6"
    )


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the source archive: what is missing there is missing here. As pipx has pip build it,
    which finds no module beside the script that it runs."""
    return build("wheel", unpacked, tmp_path_factory.mktemp("wheel"), PYTHONSAFEPATH="1")


def build(kind: str, source: Path, output: Path, **env: str) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", f"--outdir={output}"]
    run([*command, str(source)], output, **env)
    (built,) = output.iterdir()
    return built


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def files(root: Path) -> set[str]:
    """The names of all files below it, but for what Python compiles."""
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(root)) for path in found}


def test_the_source_archive_has_all_that_git_has(unpacked: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = {name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    shipped = {name for name in tracked if name.split("/")[0] not in _NOT_SHIPPED}
    assert files(unpacked) - {"PKG-INFO"} == shipped


def test_the_wheel_has_the_package_whole(wheel: Path, tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    written = {f"runner/{name}" for name in files(tree / "runner")}
    stubs = {name for name in packed if name.startswith("runner/containerd/_pb/")}
    assert packed == written | stubs | set(_MADE)
    for name in ("runner/trace/page/index.html", "runner/oci/data/seccomp.json"):
        assert name in packed
    services = {path.stem for path in tree.glob("protos/containerd/services/*/v1/*.proto")}
    for service in services:
        assert any(name.endswith(f"/{service}_pb2_grpc.py") for name in stubs), service


def test_a_source_archive_says_its_version_itself(unpacked: Path, wheel: Path) -> None:
    assert unpacked.name == "containerd_runner-4.5.6"
    assert wheel.name == "containerd_runner-4.5.6-py3-none-any.whl"


def test_the_lock_has_all_that_tests_ask_for() -> None:
    """`make lock` is to be run when pyproject.toml asks for something else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = (*project["dependencies"], *project["optional-dependencies"]["dev"])
    lock = (ROOT / "requirements-dev.lock").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    assert [
        each
        for each in map(Requirement, asked)
        if not each.specifier.contains(pinned.get(canonicalize_name(each.name), "0"))
    ] == []


def test_the_tag_is_the_version_and_without_one_there_is_another(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert version(tmp_path) == "0.1.dev0"
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all")
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", version(tmp_path))
    git(tmp_path, "tag", "v1.2.0")
    assert version(tmp_path) == "1.2.0"


def test_without_git_there_is_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert version(tmp_path) == "0.1.dev0"


def version(source: Path) -> str:
    """What a build there would be called."""
    return run([sys.executable, "-W", "ignore", "-m", "hatchling", "version"], source).strip()


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


def test_the_installed_command(wheel: Path, tmp_path: Path) -> None:
    """Only the dependencies are the development environment's."""
    python = tmp_path / "env/bin/python"
    venv.create(tmp_path / "env")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run([*pip, "install", "-q", "--no-index", "--no-deps", "--no-compile", str(wheel)], tmp_path)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    # A line of a .pth file adds a folder without obeying those in it: not the editable runner.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    check_installed(tmp_path / "env", packages, tmp_path)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_installed_as_by_a_user(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    run([str(tmp_path / "env/bin/pip"), "install", "-q", str(wheel)], tmp_path)
    run([str(tmp_path / "env/bin/pip"), "check"], tmp_path)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    check_installed(tmp_path / "env", packages, tmp_path)


def check_installed(env: Path, packages: Path, elsewhere: Path) -> None:
    """The command answers, and every module can be imported, from the package that is there."""
    runner, python = str(env / "bin/runner"), str(env / "bin/python")
    assert run([runner, "--version"], elsewhere) == "runner version 4.5.6\n"
    where = "import runner.api.serve, runner.demo; print(runner.__file__)"
    assert run([python, "-c", where], elsewhere) == f"{packages}/runner/__init__.py\n"
    found = "import importlib.resources as r; print(r.files('runner.trace') / 'page/index.html')"
    assert Path(run([python, "-c", found], elsewhere).strip()).is_file()
    doctor = subprocess.run([runner, "doctor"], capture_output=True, text=True, cwd=elsewhere)
    assert doctor.returncode in (0, 1), doctor.stderr
    assert "containers can" in doctor.stdout or "must be mended" in doctor.stdout
    assert run([runner, "help", "run"], elsewhere).startswith("Usage:  runner run ")


def run(command: Sequence[str], folder: Path, **more: str) -> str:
    """What it prints. What would change Python's path or the version is not inherited."""
    inherited = os.environ.items()
    env = {name: value for name, value in inherited if not name.startswith(_NOT_INHERITED)} | more
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
