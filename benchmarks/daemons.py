"""The rivals, started when first needed and gone without a trace at the end.

Our engine and ctr share one private containerd; dockerd brings its own, of the same release.
"""

from __future__ import annotations

import compileall
import contextlib
import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import runner
from tests.support import images
from tests.support.containerd import Containerd
from tests.support.dockerd import Dockerd, docker_env
from tests.support.engine import Engine, runner_command
from tests.support.process import wait_until
from tests.support.toolchain import docker_cli, path_with
from tests.support.workspace import Workspace, cgroup_parents, remove_cgroups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
IMAGE = "busybox"
CTR_NAMESPACE = "bench"


class Daemons:
    """As a context manager it ends whatever was started."""

    def __init__(
        self,
        *,
        engine_env: Mapping[str, str] | None = None,
        dockerd_arguments: Sequence[str] = (),
    ) -> None:
        self._engine_env = engine_env
        self._dockerd_arguments = dockerd_arguments
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @functools.cached_property
    def workspace(self) -> Workspace:
        """A directory for archives and bundles."""
        return self._stack.enter_context(Workspace.make())

    @functools.cached_property
    def archive(self) -> Path:
        """A docker-save archive of the image that is run."""
        return images.busybox_archive(self.workspace.path / "image.tar")

    @functools.cached_property
    def dockerd(self) -> Dockerd:
        """dockerd, with the image."""
        daemon = self._stack.enter_context(Dockerd(arguments=self._dockerd_arguments))
        daemon.load(self.archive)
        return daemon

    @functools.cached_property
    def containerd(self) -> Containerd:
        """containerd, with the image in ctr's namespace."""
        daemon = self._stack.enter_context(Containerd())
        daemon.ctr("images", "import", str(self.archive), namespace=CTR_NAMESPACE)
        return daemon

    @functools.cached_property
    def engine(self) -> Engine:
        """`runner serve`, with the image."""
        engine = self._stack.enter_context(Engine(self.containerd, env=self._engine_env))
        engine.load(self.archive)
        return engine

    # --- command lines, with the environment that they need

    def docker(self, *arguments: str) -> Command:
        """The stock docker CLI on dockerd."""
        env = docker_env(self.dockerd.host, self.dockerd.workspace)
        return Command([str(docker_cli()), *arguments], env)

    def docker_on_runner(self, *arguments: str) -> Command:
        """The stock docker CLI on our engine."""
        env = docker_env(self.engine.host, self.engine.workspace)
        return Command([str(docker_cli()), *arguments], env)

    def runner(self, *arguments: str) -> Command:
        """Our CLI on our engine: the installed command, where there is one."""
        env = _without_python() | {"RUNNER_HOST": self.engine.host, "PATH": path_with()}
        return Command([*self._runner_program, *arguments], env)

    def recorded(self, *arguments: str) -> Command:
        """The same with the road recorded, by the command and by the engine."""
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        command = self.runner(*arguments)
        return Command(command.words, {**command.env, "TRACEPARENT": traceparent})

    @functools.cached_property
    def _runner_program(self) -> list[str]:
        # As it is once installed: a working copy may have been edited since.
        subprocess.run([sys.executable, "-m", "runner.cli.tablegen"], cwd=ROOT, check=True)
        compileall.compile_dir(Path(runner.__file__).parent, quiet=2)
        installed = Path(sys.executable).with_name("runner")
        return [str(installed)] if installed.exists() else runner_command()

    def ctr(self, *arguments: str) -> Command:
        """containerd's own client."""
        program = str(self.containerd.bin_dir / "ctr")
        where = ("--address", str(self.containerd.address), "--namespace", CTR_NAMESPACE)
        return Command([program, *where, *arguments], self.containerd.env)

    def runc(self, *arguments: str) -> Command:
        """runc alone, on `bundle`, with its state in the workspace."""
        root = self.workspace.folder("runc")
        env = dict(os.environ, PATH=path_with())
        return Command(["runc", "--root", str(root), *arguments], env)

    # --- a bundle as dockerd makes it

    @functools.cached_property
    def bundle(self) -> Path:
        """A bundle that runs `true` with the very spec that dockerd makes for it."""
        folder = self.workspace.folder("bundle")
        with tarfile.open(fileobj=BytesIO(images.busybox_rootfs())) as layer:
            layer.extractall(folder / "rootfs", filter="fully_trusted")
        tag = self.workspace.tag
        self._stack.callback(lambda: remove_cgroups(set(cgroup_parents(tag))))
        spec = _own(self._dockerd_spec(folder), folder, f"/{tag}/{secrets.token_hex(8)}")
        (folder / "config.json").write_text(json.dumps(spec))
        return folder

    def _dockerd_spec(self, folder: Path) -> dict[str, Any]:
        """The config.json of a container that dockerd runs now; its network files are kept."""
        container = self.docker("run", "-d", "--network=none", IMAGE, "sleep", "60").output()
        tasks = self.dockerd.workspace.path / "state/io.containerd.runtime.v2.task/moby"
        file = tasks / container / "config.json"
        try:
            wait_until(file.exists, seconds=10, what=f"{file} to be written")
            spec: dict[str, Any] = json.loads(file.read_bytes())
            for mount in spec["mounts"]:
                if mount["type"] == "bind":
                    kept = folder / Path(mount["source"]).name
                    mount["source"] = shutil.copyfile(mount["source"], kept)
        finally:
            self.docker("rm", "-f", container).output()
        return spec


def _without_python() -> dict[str, str]:
    """The environment without what makes a developer's Python slower than a user's."""
    slow = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONDEVMODE", "PYTHONTRACEMALLOC"}
    return {name: value for name, value in os.environ.items() if name not in slow}


def _own(spec: dict[str, Any], folder: Path, cgroup: str) -> dict[str, Any]:
    """The same spec in another place: what belongs to dockerd's container is replaced."""
    spec["process"]["args"] = ["true"]
    spec["root"]["path"] = str(folder / "rootfs")
    spec["linux"]["cgroupsPath"] = cgroup
    spec.pop("hooks", None)
    for mount in spec["mounts"]:
        mount["source"] = str(mount["source"])
    for namespace in spec["linux"]["namespaces"]:
        namespace.pop("path", None)
    return spec


class Command:
    """A program that is run as it is, its output read and thrown away."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        self.words, self.env = list(words), dict(env)

    def __call__(self) -> dict[str, float]:
        """Run it to its end; what it printed is in the error when it fails."""
        self.output()
        return {}

    def output(self) -> str:
        """Run it to its end; its standard output without the last line break."""
        done = subprocess.run(
            self.words,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            line = " ".join(self.words)
            raise RuntimeError(f"{line}: exit code {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout.rstrip("\n")
