"""The oracle: a real dockerd with containerd's image store, to compare with.

    python -m tests.support.dockerd --run        stays in the foreground until SIGTERM

It runs beside anything else: data, sockets, containerd and bridge are its own. What it shares with
the host is the firewall, whose state before the first oracle is put back after the last one. Every
dockerd that starts makes its chains anew and so takes away the rules of those that run already:
of several at once only the last one's firewall is complete (the proxy still serves all ports).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from tests.support import firewall, http
from tests.support.containerd import Containerd
from tests.support.emptying import remove_everything
from tests.support.foreground import announce_and_wait, until_signal
from tests.support.process import Daemon, HarnessError
from tests.support.pty import Terminal
from tests.support.subnets import Subnet, make_bridge
from tests.support.toolchain import (
    bin_dirs,
    cache_dir,
    compose_plugins_dir,
    docker_cli,
    has_archive,
    locked,
    path_with,
)
from tests.support.workspace import (
    Workspace,
    cgroup_parent,
    close_abandoned,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


NAMESPACE: Final = "moby"
"""The containerd namespace of dockerd's containers and images."""

# Places compiled into dockerd.
_FOLDERS: Final = (Path("/run/docker/plugins"), Path("/run/docker"))


class Dockerd:
    """dockerd 28.5 on its own containerd 2.1. As a context manager it is started and closed."""

    def __init__(self, *, arguments: Sequence[str] = ()) -> None:
        folders = bin_dirs("oracle")
        self.workspace = Workspace.make()
        path = self.workspace.path
        self.containerd = Containerd("2.1", workspace=self.workspace)
        self.socket = path / "docker.sock"
        self.bridge = f"ob{self.workspace.tag}"
        """The name of the bridge of its default network."""
        self._subnet = Subnet.reserve()
        self._firewall = SharedFirewall()
        # dockerd takes docker-proxy and docker-init from PATH, and they must be of its release.
        path_value = path_with(*folders, self.containerd.bin_dir)
        self.daemon = Daemon(
            "dockerd",
            [
                str(folders[-1] / "dockerd"),
                f"--config-file={_write_config(path)}",
                f"--host=unix://{self.socket}",
                f"--data-root={path}/data",
                f"--exec-root={path}/exec",
                f"--pidfile={path}/docker.pid",
                f"--containerd={self.containerd.address}",
                f"--bridge={self.bridge}",
                "--feature=containerd-snapshotter=true",
                # The policy of FORWARD belongs to the host, and outlives dockerd.
                "--ip-forward-no-drop",
                f"--cgroup-parent={cgroup_parent(path.name)}",
                "--shutdown-timeout=5",
                *arguments,
            ],
            log=path / "dockerd.log",
            env=dict(os.environ, PATH=path_value),
        )

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST."""
        return f"unix://{self.socket}"

    def start(self) -> Self:
        """Make the bridge when there is none yet, start containerd and dockerd."""
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            self._firewall.enter()
            self.workspace.note_link(self.bridge, str(self._subnet.network))
            make_bridge(self.bridge, self._subnet.gateway)
        if not self.containerd.daemon.running():
            self.containerd.start()
        # two that start at once fail: either finds the firewall's chains half made by the other
        with locked(cache_dir() / "dockerd-start.lock"):
            self.daemon.start(lambda: http.answers_ping(self.socket))
        return self

    def stop(self) -> None:
        """End dockerd in good order; its containers end with it."""
        self.daemon.stop(seconds=20)

    def kill(self) -> None:
        """SIGKILL dockerd; its containers run on."""
        self.daemon.kill()

    def close(self) -> None:
        """End everything and put the machine back as it was."""
        self.stop()
        self.containerd.stop()
        self.workspace.close()
        self._firewall.leave()
        self._subnet.release()

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

    def docker_terminal(self, *arguments: str, rows: int = 24, columns: int = 80) -> Terminal:
        """The docker CLI under a terminal."""
        environment = docker_env(self.host, self.workspace)
        command = [str(docker_cli()), *arguments]
        return Terminal(command, env=environment, rows=rows, columns=columns)

    def api(self, method: str, target: str, body: Any = None, **options: Any) -> http.Answer:
        """One Engine API request."""
        return http.request(self.socket, method, target, body, **options)

    def remove_everything(self) -> set[str]:
        """Remove containers, then networks and volumes of the user: between two tests."""
        return remove_everything(self.api)

    def ctr(self, *arguments: str, check: bool = True) -> str:
        """containerd's own client, in dockerd's namespace."""
        return self.containerd.ctr(*arguments, namespace=NAMESPACE, check=check)

    def load(self, archive: Path) -> str:
        """`docker load` of an archive; what it printed."""
        done = self.docker("load", "-i", str(archive))
        if done.returncode != 0:
            raise HarnessError(f"docker load: {done.stderr}")
        return done.stdout

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


def _write_config(path: Path) -> Path:
    file = path / "daemon.json"
    file.write_text("{}")  # so that the host's /etc/docker/daemon.json is not read
    return file


def run_docker(
    host: str,
    workspace: Workspace,
    *arguments: str,
    input: str | bytes | None = None,  # noqa: A002 (subprocess's name)
    timeout: float = 120,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the stock docker CLI (or another program) on an engine, configured for it alone."""
    done = subprocess.run(
        [*(program or [str(docker_cli())]), *arguments],
        input=input.encode() if isinstance(input, str) else input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        env=docker_env(host, workspace) | dict(env or {}),
        timeout=timeout,
        cwd=cwd,
        check=False,
    )
    output, errors = (part.decode(errors="surrogateescape") for part in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def docker_env(host: str, workspace: Workspace) -> dict[str, str]:
    """The environment in which the docker CLI and docker compose talk to an engine."""
    folder = workspace.folder("docker-config")
    config = folder / "config.json"
    if not config.exists():
        plugins = [str(compose_plugins_dir())] if has_archive() else []
        config.write_text(json.dumps({"cliPluginsExtraDirs": plugins}))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
    return inherited | {"DOCKER_HOST": host, "DOCKER_CONFIG": str(folder), "PATH": path_with()}


class SharedFirewall:
    """The firewall and cgroups as they were before the first of several oracles.

    dockerd's containers have /docker for their parent cgroup, which it leaves behind.
    Each oracle holds a shared lock; whoever can make it exclusive at the end was the last.
    """

    _DIRECTORY: Final = "oracle-baseline"

    def __init__(self) -> None:
        self._lock: IO[str] | None = None

    def enter(self) -> None:
        """Record what is there, when this is the first oracle. Idempotent."""
        if self._lock is not None:
            return
        with self._door():
            self._lock = (self._folder() / "users").open("w")
            if self._alone():
                self._restore()  # what a killed test run could not
                self._record()
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Put back what was recorded, when this is the last oracle."""
        if self._lock is None:
            return
        with self._door():
            if self._alone():
                self._restore()
            self._lock.close()
            self._lock = None

    def recover(self) -> None:
        """Put back what a killed test run could not, unless an oracle runs."""
        with self._door():
            self._lock = (self._folder() / "users").open("w")
            if self._alone():
                self._restore()
            self._lock.close()
            self._lock = None

    def _alone(self) -> bool:
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        with (self._folder() / "door").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _folder(self) -> Path:
        folder = cache_dir() / self._DIRECTORY
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _record(self) -> None:
        lines = {
            command: [[line.table, line.text] for line in firewall.save(command)]
            for command in firewall.FAMILIES
        }
        folders = [str(folder) for folder in _FOLDERS if folder.exists()]
        record = {"boot": _boot_id(), "firewall": lines, "folders": folders}
        (self._folder() / "state.json").write_text(json.dumps(record))

    def _restore(self) -> None:
        file = self._folder() / "state.json"
        if not file.exists():
            return
        record = json.loads(file.read_text())
        if record.get("boot") == _boot_id():
            for command in firewall.FAMILIES:
                kept = {firewall.Line(*pair) for pair in record["firewall"][command]}
                _remove_added(command, kept)
            for folder in _FOLDERS:
                if str(folder) not in record.get("folders", []):
                    with contextlib.suppress(OSError):  # not there, or not empty
                        folder.rmdir()
        file.unlink()


def sweep_up() -> list[str]:
    """Remove what killed test runs left on the machine; the paths of their directories."""
    abandoned = [str(path) for path in close_abandoned()]
    SharedFirewall().recover()
    return abandoned


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _remove_added(command: str, kept: set[firewall.Line]) -> None:
    """Remove dockerd's chains and jumps; other engines' rules may be newer than the record."""

    def chains(line: firewall.Line) -> bool:
        return line not in kept and "DOCKER" in line.text

    def loopback_ports(line: firewall.Line) -> bool:
        """What keeps others off a port published on 127.0.0.1; it names no bridge."""
        return line not in kept and line.table == "raw" and line.text.startswith("-A PREROUTING")

    # The oracles' own bridges are gone from the rules by now. A bridge that is still named is that
    # of another dockerd, whose chains have the same names.
    in_use = (re.search(r" -[io] ", line.text) for line in firewall.save(command) if chains(line))
    if not any(in_use):
        firewall.remove(command, lambda line: chains(line) or loopback_ports(line))


def main(arguments: list[str]) -> int:
    """Run one in the foreground, for experiments by hand."""
    if arguments[:1] != ["--run"]:
        print("usage: python -m tests.support.dockerd --run [dockerd flags]")
        return 2
    with until_signal(), Dockerd(arguments=arguments[1:]) as dockerd:
        announce_and_wait(
            DOCKER_HOST=dockerd.host,
            DOCKER=str(docker_cli()),
            CONTAINERD_ADDRESS=str(dockerd.containerd.address),
            BRIDGE=dockerd.bridge,
            LOG=str(dockerd.daemon.log),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
