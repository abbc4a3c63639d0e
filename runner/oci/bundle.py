"""Bundles that plain `runc run` runs: a directory with config.json, rootfs and a few files.

What ties a spec to the engine (mounted roots, network namespaces, files in the engine's directory,
its cgroup) is replaced by what the bundle carries itself or the runtime makes anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from runner.oci.create import create_spec
from runner.oci.process import IN_CONTAINER_INIT_PATH
from runner.oci.request import NamespacePaths
from runner.types.errors import InvalidParameter
from runner.types.modes import IpcMode, NetworkMode, PidMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec
    from runner.types.container import HostConfig

ROOTFS: Final = "rootfs"
CONFIG: Final = "config.json"

_CARRIED: Final = {
    "/etc/resolv.conf": "resolv.conf",
    "/etc/hostname": "hostname",
    "/etc/hosts": "hosts",
    IN_CONTAINER_INIT_PATH: "docker-init",
}
"""Mounts whose source comes along, and its name in the bundle."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A config.json, and the host's files to copy beside it under the names given."""

    spec: Spec
    files: Mapping[str, Path]

    @property
    def config(self) -> bytes:
        """The content of config.json, indented for people."""
        return msgspec.json.format(msgspec.json.encode(self.spec), indent=2) + b"\n"


def create_bundle(request: SpecRequest, host: Host) -> Bundle:
    """The bundle of a container. Bind mounts and volumes keep their sources on this host.

    Raises InvalidParameter, also for containers that join another's namespaces.
    """
    settings = request.host_config
    _verify_self_contained(settings)
    spec = create_spec(_on_its_own(request), host)
    spec.root.path = ROOTFS
    # Without a path, runtimes choose the cgroup by the container's ID.
    spec.linux.cgroups_path = settings.cgroup_parent and spec.linux.cgroups_path
    return Bundle(spec, dict(_carry_along(spec, request)))


def _verify_self_contained(settings: HostConfig) -> None:
    modes = (
        NetworkMode(settings.network_mode),
        IpcMode(settings.ipc_mode),
        PidMode(settings.pid_mode),
    )
    for mode in modes:
        if mode.is_container:
            raise InvalidParameter(f"a bundle cannot join the namespaces of {mode}")
    for mount in settings.mounts or []:
        volume = mount.volume_options
        if mount.type == "image":
            raise InvalidParameter("a bundle cannot mount an image: it goes with the container")
        if volume and volume.subpath:
            raise InvalidParameter(
                "a bundle cannot mount a part of a volume: it is held while the engine starts"
                " the container"
            )


def _on_its_own(request: SpecRequest) -> SpecRequest:
    """Nobody will join its IPC namespace, and all namespaces are new."""
    settings = request.host_config
    if IpcMode(settings.ipc_mode).is_shareable:
        settings = msgspec.structs.replace(settings, ipc_mode="private")
    return replace(request, host_config=settings, namespaces=NamespacePaths())


def _carry_along(spec: Spec, request: SpecRequest) -> list[tuple[str, Path]]:
    """Make the sources of the engine's own files relative to the bundle."""
    users = {mount.destination for mount in request.mounts}
    carried: list[tuple[str, Path]] = []
    for mount in spec.mounts:
        name = _CARRIED.get(mount.destination)
        if name is not None and mount.destination not in users:
            carried.append((name, Path(mount.source)))
            mount.source = name
    return carried
