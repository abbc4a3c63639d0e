"""The engine of docker-compose.test.yml: `runner serve` alone in a privileged container.

These tests run in the container beside it (`make test-dind`), and are skipped anywhere else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support import http
from tests.support.dockerd import run_docker
from tests.support.emptying import remove_everything
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


class Service:
    """The engine beside us, by its socket."""

    def __init__(self, host: str, workspace: Workspace) -> None:
        self.host = host
        self._workspace = workspace

    def docker(
        self, *arguments: str, stdin: str | bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the stock docker CLI."""
        return run_docker(self.host, self._workspace, *arguments, input=stdin)

    def out(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """What a command that succeeds prints."""
        done = self.docker(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def empty(self) -> None:
        """Remove containers, networks and volumes."""
        socket = self.host.removeprefix("unix://")
        remove_everything(lambda *request: http.request(socket, *request))


@pytest.fixture(scope="session")
def _service(busybox_tar: Path) -> Iterator[Service]:
    host = os.environ.get("RUNNER_DIND_HOST")
    if host is None:
        pytest.skip("for the test service of docker-compose.test.yml (make test-dind)")
    with Workspace.make() as workspace:
        service = Service(host, workspace)
        service.out("load", "--input", str(busybox_tar))
        yield service


@pytest.fixture
def service(_service: Service) -> Iterator[Service]:
    """The engine, with busybox:latest; emptied after the test."""
    yield _service
    _service.empty()
