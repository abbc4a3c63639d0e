"""The tests inside privileged docker-in-docker, by docker compose on a private dockerd.

    python -m tests.support.dind [pytest's arguments]

The same command as anybody's, docker-compose.test.yml's, only that the base image is made here: of
Debian's packages and of wheels, so that the build needs no network.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support import debian, residue
from tests.support.apt import NoArchiveError
from tests.support.dockerd import Dockerd, docker_env
from tests.support.foreground import until_signal
from tests.support.toolchain import docker_cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY: Final = Path(__file__).parents[2]
FILE: Final = "docker-compose.test.yml"
BASE: Final = "runner-dind-base"
SECONDS: Final = 600

# What docker/Dockerfile installs where a base lacks it.
_PACKAGES: Final = (
    *("ca-certificates", "containerd", "containernetworking-plugins", "docker-cli", "iproute2"),
    *("iptables", "kmod", "mount", "procps", "python3", "python3-venv", "runc", "tini"),
    *("util-linux", "zstd"),
)
_PIP: Final = (
    "PIP_NO_INDEX=1",
    f"PIP_FIND_LINKS={debian.WHEELS}",
    # Most modules are never imported in these containers' short lives.
    "PIP_NO_COMPILE=1",
)
_TESTS_NEED: Final = ("bcrypt", "docker", "hypothesis")


def recipe() -> debian.Recipe:
    """The base image."""
    return debian.Recipe(
        packages=_PACKAGES,
        drop=tuple(name for name in debian.INSTALLING if name not in _PACKAGES),
        config=(("Env", [debian.PATH, *_PIP]),),
        links=debian.XTABLES,
        wheels=_requirements(),
    )


def _requirements() -> tuple[str, ...]:
    """What pip takes to build runner, to run it and to test it."""
    project: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    testing = [
        requirement
        for requirement in project["project"]["optional-dependencies"]["dev"]
        if requirement.startswith(("pytest", *_TESTS_NEED))
    ]
    build = project["build-system"]["requires"]
    return tuple(sorted({*build, *project["project"]["dependencies"], *testing}))


class Compose:
    """docker compose on that file."""

    def __init__(self, dockerd: Dockerd) -> None:
        self._env = docker_env(dockerd.host, dockerd.workspace) | {
            "BASE": BASE,
            # dockerd's own builder: BuildKit's client is a plugin that need not be there.
            "DOCKER_BUILDKIT": "0",
        }

    def __call__(self, *arguments: str) -> int:
        """Run it, its output on ours; the exit status."""
        command = [str(docker_cli()), "compose", "--progress=plain", f"--file={FILE}", *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=self._env, stdin=subprocess.DEVNULL, timeout=SECONDS
        ).returncode


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long it took."""
    started = time.monotonic()
    yield
    print(f"--- {what}: {time.monotonic() - started:.1f} s", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Build, test, and take everything away; fails if anything stays."""
    try:
        with timed("the base image's archive"):
            base = debian.archive_of(BASE, recipe())
    except NoArchiveError as error:
        print(f"the base image cannot be made: {error}")
        return 1
    before = residue.take()
    status = 1
    with until_signal(), Dockerd() as dockerd:
        with timed("docker load of the base image"):
            dockerd.load(base)
        status = build_and_test(Compose(dockerd), arguments)
    left = residue.settled_diff(before, residue.Scope.from_environment())
    for line in left:
        print(f"left behind: {line}")
    return status or bool(left)


def build_and_test(compose: Compose, arguments: Sequence[str]) -> int:
    """What the head of the compose file says; the exit status of what failed, if anything."""
    with timed("docker compose build"):
        if status := compose("build"):
            return status
    try:
        with timed("docker compose run --rm tests"):
            status = compose("run", "--rm", "-T", "tests", *arguments)
        if status:
            compose("logs", "--no-color", "engine")
        elif not arguments:
            with timed("docker compose run --rm job"):
                status = compose("run", "--rm", "-T", "job")
    finally:
        with timed("docker compose down"):
            compose("down", "--volumes")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
