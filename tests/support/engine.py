"""`runner serve` as a private daemon, with the clients that drive it.

python -m tests.support.engine --run [1.6|1.7|2.1]     stays in the foreground until SIGTERM
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.support import http
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.dockerd import docker_env, run_docker
from tests.support.emptying import remove_everything
from tests.support.foreground import announce_and_wait, until_signal
from tests.support.oci_runtime import DEFAULT_RUNTIME, default_runtime_dirs
from tests.support.process import Daemon, HarnessError
from tests.support.pty import Terminal
from tests.support.subnets import Subnet
from tests.support.toolchain import docker_cli
from tests.support.workspace import (
    RUNC_ROOT,
    Workspace,
    cgroup_parent,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

_REPOSITORY: Final = Path(__file__).parents[2]


def runner_command() -> list[str]:
    """Our CLI, run by the interpreter that runs the tests."""
    return [sys.executable, "-m", "runner"]


def _with_runtime(env: dict[str, str]) -> dict[str, str]:
    folders = [*map(str, default_runtime_dirs()), env["PATH"]]
    return env | {"PATH": os.pathsep.join(folders)}


class Engine:
    """One engine on a given containerd. As a context manager it is started and closed.

    Containerd namespace, bridge, subnet, sockets and directories are its own, so that several
    engines can share a containerd. `kill` and `start` again is the crash test: everything stays.
    """

    def __init__(
        self,
        containerd: Containerd,
        *,
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.containerd = containerd
        self.workspace = Workspace.make()
        self.subnet = Subnet.reserve()
        path, tag = self.workspace.path, self.workspace.tag
        self.namespace = f"rt-{tag}"
        self.bridge = f"rb{tag}"
        self.socket = path / "runner.sock"
        chains = [f"RUNNER-{self.bridge}", f"RUNNER-POST-{self.bridge}"]
        self.workspace.note_link(self.bridge, str(self.subnet.network), *chains)
        self.daemon = Daemon(
            "runner serve",
            [
                *runner_command(),
                "serve",
                f"--host=unix://{self.socket}",
                f"--data-root={path}/data",
                f"--exec-root={path}/exec",
                f"--containerd={containerd.address}",
                f"--containerd-namespace={self.namespace}",
                f"--bridge={self.bridge}",
                f"--bip={self.subnet.gateway}",
                f"--default-runtime={DEFAULT_RUNTIME}",
                f"--pidfile={path}/runner.pid",
                f"--metrics-addr=unix://{path}/metrics.sock",
                # The policy of FORWARD belongs to the host, and outlives the engine.
                "--ip-forward-no-drop",
                f"--cgroup-parent={cgroup_parent(self.namespace)}",
                *arguments,
            ],
            log=path / "runner.log",
            env=_with_runtime(containerd.env | dict(env or {})),
            cwd=_REPOSITORY,
        )

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST and RUNNER_HOST."""
        return f"unix://{self.socket}"

    @property
    def data_root(self) -> Path:
        """The engine's durable directory."""
        return self.workspace.path / "data"

    @property
    def exec_root(self) -> Path:
        """The engine's run-time directory."""
        return self.workspace.path / "exec"

    def start(self) -> Self:
        """Start it on what its directories hold, and wait until it answers."""
        self.daemon.start(lambda: http.answers_ping(self.socket))
        return self

    def stop(self) -> int | None:
        """End the engine in good order; its exit status."""
        return self.daemon.stop()

    def kill(self) -> None:
        """SIGKILL the engine; its containers run on."""
        self.daemon.kill()

    def restart(self) -> None:
        """Stop and start on the same directories."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Remove the containers, end the engine, and undo all that it did."""
        try:
            if self.daemon.running() and http.answers_ping(self.socket):
                self.remove_everything()
        finally:
            self.daemon.stop()
            self._close_containerd_side()
            shutil.rmtree(RUNC_ROOT / self.namespace / ".cache", ignore_errors=True)  # crun's
            self.workspace.close()
            self.subnet.release()

    def remove_everything(self) -> set[str]:
        """Remove containers, then networks and volumes of the user: between two tests."""
        return remove_everything(self.api)

    def api(self, method: str, target: str, body: Any = None, **options: Any) -> http.Answer:
        """One Engine API request; the target without or with a version prefix."""
        return http.request(self.socket, method, target, body, **options)

    def metrics(self) -> dict[str, float]:
        """What Prometheus gets: samples by name with labels."""
        text = http.request(self.workspace.path / "metrics.sock", "GET", "/metrics").body.decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def docker(
        self,
        *arguments: str,
        input: str | bytes | None = None,  # noqa: A002 (subprocess's name)
        timeout: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the stock docker CLI on this engine."""
        return run_docker(
            self.host, self.workspace, *arguments, input=input, timeout=timeout, env=env
        )

    def runner(
        self,
        *arguments: str,
        input: str | bytes | None = None,  # noqa: A002 (subprocess's name)
        timeout: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run our own CLI on this engine."""
        return run_docker(
            self.host,
            self.workspace,
            *arguments,
            input=input,
            timeout=timeout,
            env=self._runner_env() | dict(env or {}),
            program=runner_command(),
        )

    def docker_terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        """The docker CLI under a terminal."""
        environment = docker_env(self.host, self.workspace)
        command = [str(docker_cli()), *arguments]
        return Terminal(command, env=environment, rows=rows, columns=columns)

    def runner_terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        """Our CLI under a terminal."""
        environment = docker_env(self.host, self.workspace) | self._runner_env()
        command = [*runner_command(), *arguments]
        return Terminal(command, env=environment, rows=rows, columns=columns)

    def load(self, archive: Path) -> None:
        """Load an image archive through the API."""
        answer = self.api("POST", "/images/load?quiet=1", archive.read_bytes())
        if answer.status != 200 or b'"error"' in answer.body:
            text = answer.body.decode(errors="replace")
            raise HarnessError(f"load of {archive}: {answer.status} {text}")

    def ctr(self, *arguments: str, check: bool = True) -> str:
        """containerd's own client, in the engine's namespace."""
        return self.containerd.ctr(*arguments, namespace=self.namespace, check=check)

    def _runner_env(self) -> dict[str, str]:
        # Tests that run in another directory must find the same package.
        path = os.pathsep.join(filter(None, [str(_REPOSITORY), os.environ.get("PYTHONPATH")]))
        return {"RUNNER_HOST": self.host, "PYTHONPATH": path}

    def _close_containerd_side(self) -> None:
        """End what still runs in the engine's namespace: its shims name containerd, not us."""
        if not self.containerd.daemon.running():
            return
        for line in self.ctr("tasks", "list", "--quiet", check=False).split():
            self.ctr("tasks", "delete", "--force", line, check=False)
        for line in self.ctr("containers", "list", "--quiet", check=False).split():
            self.ctr("containers", "delete", line, check=False)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


def main(arguments: list[str]) -> int:
    """Run one in the foreground, for experiments by hand."""
    if arguments[:1] != ["--run"]:
        print("usage: python -m tests.support.engine --run [1.6|1.7|2.1]")
        return 2
    version = arguments[1] if len(arguments) > 1 else DEFAULT_VERSION
    with until_signal(), Containerd(version) as containerd, Engine(containerd) as engine:
        announce_and_wait(
            DOCKER_HOST=engine.host,
            RUNNER_HOST=engine.host,
            DOCKER=str(docker_cli()),
            CONTAINERD_ADDRESS=str(containerd.address),
            CONTAINERD_NAMESPACE=engine.namespace,
            BRIDGE=engine.bridge,
            LOG=str(engine.daemon.log),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
