"""A private containerd of a chosen version.

python -m tests.support.containerd [1.6|1.7|2.1]     stays in the foreground until SIGTERM
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

from tests.support.foreground import announce_and_wait, until_signal
from tests.support.process import Daemon, HarnessError
from tests.support.toolchain import (
    CONTAINERD_VERSIONS,
    containerd_bin_dir,
    default_containerd,
    path_with,
)
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_VERSION: Final = default_containerd()

# Configuration version 2 is the one that 1.6, 1.7 and 2.x all read. What is disabled would listen
# on, or look into, places outside the private directory; the snapshotters need kernels or devices
# that test machines lack and only fill the log.
_CONFIG: Final = """\
version = 2
root = "{path}/root"
state = "{path}/state"
temp = "{path}/temp"
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.nri.v1.nri",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{path}/containerd.sock"

[debug]
  level = "{log_level}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{path}/opt"
"""


class Containerd:
    """One containerd with root, state, socket and configuration in its own directory.

    Its containers outlive `kill`, `restart` and `stop`, as they do in production; `close` ends
    them too and removes everything. As a context manager it is started and closed.
    """

    def __init__(
        self,
        version: str = DEFAULT_VERSION,
        *,
        config: str = "",
        log_level: str = "info",
        workspace: Workspace | None = None,
    ) -> None:
        self.version = version
        self.bin_dir = containerd_bin_dir(version)
        self.workspace = workspace or Workspace.make()
        path = self.workspace.path
        self.address = path / "containerd.sock"
        """The path of the gRPC socket (without a scheme)."""
        file = path / "containerd.toml"
        file.write_text(_CONFIG.format(path=path, log_level=log_level) + config)
        # runc comes from the host; the shim is looked for beside containerd and on PATH.
        self.env = dict(os.environ, PATH=path_with(self.bin_dir))
        self.daemon = Daemon(
            f"containerd {version}",
            [str(self.bin_dir / "containerd"), "--config", str(file)],
            log=path / "containerd.log",
            env=self.env,
        )

    @property
    def root(self) -> Path:
        """containerd's persistent directory."""
        return self.workspace.path / "root"

    @property
    def state(self) -> Path:
        """containerd's run-time directory."""
        return self.workspace.path / "state"

    def start(self) -> Self:
        """Start it on what its root holds, and wait until it serves."""
        self.daemon.start(self._serves)
        return self

    def stop(self) -> None:
        """End containerd, its containers run on."""
        self.daemon.stop()

    def kill(self) -> None:
        """SIGKILL containerd, its containers run on."""
        self.daemon.kill()

    def restart(self) -> None:
        """Stop and start on the same root."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End containerd and its containers, and remove all that they left."""
        self.daemon.stop()
        self.workspace.close()

    def ctr(self, *arguments: str, namespace: str = "default", check: bool = True) -> str:
        """Run this version's `ctr`; its standard output."""
        done = subprocess.run(
            [
                str(self.bin_dir / "ctr"),
                *("--address", str(self.address), "--namespace", namespace),
                *arguments,
            ],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            command = " ".join(arguments)
            raise HarnessError(f"ctr {command}: {done.stderr.strip()}\n{self.daemon.log_tail()}")
        return done.stdout

    def _serves(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(self.address)) != 0:
                return False
        return bool(self.ctr("version", check=False))

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
    version = arguments[0] if arguments else DEFAULT_VERSION
    if version not in {*CONTAINERD_VERSIONS, "host"}:
        print(f"unknown version {version!r}; known: {' '.join(CONTAINERD_VERSIONS)} host")
        return 2
    with until_signal(), Containerd(version) as containerd:
        announce_and_wait(
            CONTAINERD_ADDRESS=str(containerd.address),
            CTR=str(containerd.bin_dir / "ctr"),
            LOG=str(containerd.daemon.log),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
