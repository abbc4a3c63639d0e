"""Our command line on a real dockerd and on our own engine."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.dockerd import docker_env, run_docker
from tests.support.engine import runner_command
from tests.support.pty import Terminal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

_REPOSITORY = Path(__file__).parents[3]


_BY_CHANCE = re.compile(r"diff |system df|inspect .*\bmade\b")
"""Commands of which dockerd sends some in another order each time: changes, volumes, mounts."""


def in_order(command: str, output: str) -> str:
    """What a command has printed, its pieces sorted where their order is chance."""
    if not _BY_CHANCE.match(command):
        return output
    return "\n".join(sorted(re.split(r"[\n,{}\"]", output)))


class Live:
    """An engine with busybox in it, and the commands to run on it."""

    def __init__(self, server: Any) -> None:
        self.server = server

    @property
    def env(self) -> dict[str, str]:
        """The environment that leads our command to the engine."""
        environment = docker_env(self.server.host, self.server.workspace)
        del environment["DOCKER_HOST"]
        return environment | {"RUNNER_HOST": self.server.host, "PYTHONPATH": str(_REPOSITORY)}

    def runner(
        self, *arguments: str, text: str | bytes | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run our command; `text` is its stdin."""
        return run_docker(
            self.server.host,
            self.server.workspace,
            *arguments,
            input=text,
            env=self.env,
            program=runner_command(),
            timeout=60,
            cwd=cwd,
        )

    def docker(
        self, *arguments: str, text: str | bytes | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the stock command on the same engine."""
        return run_docker(self.server.host, self.server.workspace, *arguments, input=text, cwd=cwd)

    def terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        """Our command under a terminal."""
        command = [*runner_command(), *arguments]
        return Terminal(command, env=os.environ | self.env, rows=rows, columns=columns)

    def names(self) -> list[str]:
        """All containers."""
        return self.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()

    def empty(self) -> None:
        """Remove all containers."""
        if names := self.names():
            self.docker("rm", "-fv", *names)


@contextlib.contextmanager
def with_a_box(server: Any) -> Iterator[Live]:
    """An engine with one container that runs, `box`; without any afterwards."""
    live = Live(server)
    live.docker("run", "-d", "--name", "box", "--network", "none", "busybox", "sleep", "100000")
    yield live
    live.empty()


@pytest.fixture(scope="module")
def _oracle_with_busybox(request: pytest.FixtureRequest) -> Any:
    oracle = request.getfixturevalue("oracle")
    oracle.load(request.getfixturevalue("busybox_tar"))
    return oracle


@pytest.fixture(
    params=[
        pytest.param(
            "_oracle_with_busybox", id="dockerd", marks=[pytest.mark.oracle, pytest.mark.thorough]
        ),
        pytest.param("busybox", id="runner", marks=pytest.mark.root),
    ]
)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    """dockerd and our engine in turn, both with busybox:latest."""
    engine = Live(request.getfixturevalue(request.param))
    yield engine
    engine.empty()
