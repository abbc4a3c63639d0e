"""What the engine knows about a container when its spec is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.types.container import Config, HostConfig, Ulimit

DEFAULT_PROPAGATION: Final = "rprivate"


@dataclass(frozen=True, slots=True)
class UserMount:
    """A bind mount or a volume, already resolved to a path on the host (moby container.Mount).

    `propagation` is empty or one of [r]private, [r]shared, [r]slave. When not `writable`, the
    mounts below are read-only too where the host can do that, unless `read_only_non_recursive`;
    with `read_only_force_recursive` it is an error if the host cannot. `propagation_by_default`
    marks the rslave that a bind of (or around) the engine's own directory gets without being asked
    for: where the source's mount cannot do it, it is no error.
    """

    source: str
    destination: str
    writable: bool = True
    propagation: str = ""
    propagation_by_default: bool = False
    non_recursive: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False


@dataclass(frozen=True, slots=True)
class NetworkFiles:
    """The host's paths of the three files that the engine writes; empty means not to mount it."""

    resolv_conf: str = ""
    hostname: str = ""
    hosts: str = ""


@dataclass(frozen=True, slots=True)
class NamespacePaths:
    """Namespaces that exist already. Empty means that the runtime makes a new one.

    `network` is `/proc/PID/ns/net` of the container joined, or the namespace made beforehand;
    `ipc` and `pid` are `/proc/PID/ns/…` of the containers joined.
    """

    network: str = ""
    ipc: str = ""
    pid: str = ""


@dataclass(frozen=True, slots=True)
class SpecRequest:
    """One container, ready to be started.

    `config` is merged with the image's and has its hostname; `host_config` has its defaults
    (`adapt_container_settings`). `rootfs` is mounted. `shm_path` is where /dev/shm of a shareable
    or joined IPC namespace is mounted. `init_path` empty means: look one up, if --init asks for it.
    `cgroup_parent` and `ulimits` are the engine's own settings, for containers that name none.
    """

    id: str
    config: Config
    host_config: HostConfig
    path: str
    args: Sequence[str]
    rootfs: Path
    mounts: Sequence[UserMount] = ()
    network_files: NetworkFiles = NetworkFiles()
    namespaces: NamespacePaths = NamespacePaths()
    shm_path: str = ""
    linked_env: Sequence[str] = ()
    init: bool = False
    init_path: str = ""
    cgroup_parent: str = ""
    ulimits: Mapping[str, Ulimit] = field(default_factory=dict)
    no_new_privileges: bool = False
    seccomp_profile: str = ""
