"""Which namespaces are new, joined, or the host's (moby WithNamespaces)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.oci.spec import LinuxNamespace
from runner.types.errors import InvalidParameter
from runner.types.modes import CgroupnsMode, IpcMode, NetworkMode, PidMode, UsernsMode, UTSMode

if TYPE_CHECKING:
    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec


def with_namespaces(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Raises InvalidParameter for modes that do not exist."""
    _with_user(request)
    if not request.config.network_disabled:
        _with_network(spec, request)
    _with_ipc(spec, request)
    _with_pid(spec, request)
    _with_uts(spec, request)
    _with_cgroup(spec, request)


def set_namespace(spec: Spec, namespace: LinuxNamespace) -> None:
    """Put it in the place of the one of its type, or at the end."""
    namespaces = spec.linux.namespaces
    for place, present in enumerate(namespaces):
        if present.type == namespace.type:
            namespaces[place] = namespace
            return
    namespaces.append(namespace)


def remove_namespace(spec: Spec, kind: str) -> None:
    """Use the host's (oci.RemoveNamespace)."""
    spec.linux.namespaces = [found for found in spec.linux.namespaces if found.type != kind]


def _with_user(request: SpecRequest) -> None:
    """Without remapping of UIDs, private and host are the same: the host's."""
    mode = UsernsMode(request.host_config.userns_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid USER mode: {mode}")


def _with_network(spec: Spec, request: SpecRequest) -> None:
    mode, path = NetworkMode(request.host_config.network_mode), request.namespaces.network
    if mode.is_host:
        remove_namespace(spec, "network")
        return
    if mode.is_container and not path:
        raise ValueError("the network namespace to join is missing")
    set_namespace(spec, LinuxNamespace("network", path))


def _with_ipc(spec: Spec, request: SpecRequest) -> None:
    mode = IpcMode(request.host_config.ipc_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid IPC mode: {mode}")
    if mode.is_host:
        remove_namespace(spec, "ipc")
        return
    set_namespace(spec, _joined("ipc", request.namespaces.ipc, mode.is_container))


def _with_pid(spec: Spec, request: SpecRequest) -> None:
    mode = PidMode(request.host_config.pid_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid PID mode: {mode}")
    if mode.is_host:
        remove_namespace(spec, "pid")
        return
    set_namespace(spec, _joined("pid", request.namespaces.pid, mode.is_container))


def _joined(kind: str, path: str, container: bool) -> LinuxNamespace:
    if container and not path:
        raise ValueError(f"the {kind} namespace to join is missing")
    return LinuxNamespace(kind, path if container else "")


def _with_uts(spec: Spec, request: SpecRequest) -> None:
    mode = UTSMode(request.host_config.uts_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid UTS mode: {mode}")
    if mode.is_host:
        remove_namespace(spec, "uts")
        spec.hostname = ""  # runtimes refuse to set the host's


def _with_cgroup(spec: Spec, request: SpecRequest) -> None:
    mode = CgroupnsMode(request.host_config.cgroupns_mode)
    if not mode.valid:
        raise InvalidParameter(f"invalid cgroup namespace mode: {mode}")
    if mode.is_private:
        set_namespace(spec, LinuxNamespace("cgroup"))
