"""What the engine is told at its start (moby daemon/config)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.image.registry.hosts import DIRECTORIES
from runner.types.container import LogConfig

if TYPE_CHECKING:
    from ipaddress import IPv4Interface


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Where the engine keeps things and whom it talks to.

    `data_root` survives a reboot, `exec_root` (sockets, FIFOs, namespaces) need not.
    `ip_forward_no_drop`: where the engine has to enable IPv4 forwarding, the policy of the chain
    FORWARD stays the host's own affair.
    `live_restore`: containers go on running without the engine. `shutdown_timeout` in seconds; the
    longest stop timeout of the containers counts when they are stopped with it.
    `containerd` is an address, or None: use the host's, or supervise one of our own.
    `snapshotter` is empty until the engine has chosen one (runner/engine/snapshotter.py).
    `cgroup_parent` is empty for `/runner` (or systemd's `system.slice`).
    `certs_dirs` have a directory for each registry host, with hosts.toml or certificates.
    `traceparent` (W3C Trace Context) is where the steps of the start itself hang, if anywhere.
    `log_config` is what containers get whose creation names no log driver.
    `api_warnings` are about addresses that anybody may use; `info` tells them.
    """

    data_root: Path = Path("/var/lib/runner")
    exec_root: Path = Path("/run/runner")
    containerd: str | None = None
    containerd_namespace: str = "runner"
    snapshotter: str = ""
    bridge: str = "runner0"
    bip: IPv4Interface | None = None
    ip_forward_no_drop: bool = False
    default_runtime: str = "runc"
    cgroup_parent: str = ""
    init_path: Path | None = None
    live_restore: bool = True
    shutdown_timeout: float = 15.0
    traceparent: str = ""
    default_shm_size: int = 64 * 1024 * 1024
    certs_dirs: tuple[Path, ...] = DIRECTORIES
    api_warnings: tuple[str, ...] = ()
    log_config: LogConfig = field(default_factory=lambda: LogConfig(type="json-file"))

    @property
    def containers_dir(self) -> Path:
        """Each container's own directory: logs, network files."""
        return self.data_root / "containers"

    @property
    def rootfs_dir(self) -> Path:
        """Where the containers' root filesystems are mounted."""
        assert self.snapshotter, "not chosen yet"
        return self.data_root / "rootfs" / self.snapshotter

    def snapshotters_used(self) -> set[str]:
        """All that were ever chosen for this data root."""
        rootfs = self.data_root / "rootfs"
        return {path.name for path in rootfs.iterdir()} if rootfs.is_dir() else set()

    def make_directories(self) -> None:
        """Make the directories that the engine keeps things in; none of them is for others."""
        for directory in (self.data_root, self.containers_dir):
            _make(directory)
        for directory in (self.exec_root, self.spool_dir):
            _make(directory, 0o700)

    def with_snapshotter(self, name: str) -> EngineConfig:
        """With the one that was chosen, whose directory is made."""
        chosen = replace(self, snapshotter=name)
        for directory in (chosen.rootfs_dir.parent, chosen.rootfs_dir):
            _make(directory)
        return chosen

    @property
    def spool_dir(self) -> Path:
        """Where archives are kept while they are read."""
        return self.data_root / "tmp"


def _make(directory: Path, mode: int = 0o710) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=mode)
