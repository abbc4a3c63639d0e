"""The mounts inside the container (moby withMounts, setupContainerDirs, setupMounts)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from runner.linux.libc import error_text
from runner.oci.request import DEFAULT_PROPAGATION, UserMount
from runner.oci.security_opt import parse_security_opt
from runner.oci.spec import Mount
from runner.oci.tmpfs import convert_tmpfs_options, merge_tmpfs_options
from runner.types.errors import InvalidParameter
from runner.types.modes import IpcMode
from runner.types.paths import depth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.oci.host import Host
    from runner.oci.hostfiles import HostFiles
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec
    from runner.types.container import HostConfig

_SHM: Final = "/dev/shm"  # noqa: S108
_WRITABLE_WHEN_READONLY: Final = frozenset({"/proc", "/dev", "/dev/pts", _SHM, "/dev/mqueue"})
"""Default mounts that stay writable although the root is read-only."""

_SHARED: Final = frozenset({"shared", "rshared"})
_SLAVE: Final = frozenset({"slave", "rslave"})
PROPAGATIONS: Final = frozenset({"private", "rprivate"}) | _SHARED | _SLAVE


@dataclass(frozen=True, slots=True)
class TmpfsMount:
    """A tmpfs at `destination`; `data` are its options, comma-separated."""

    destination: str
    data: str


AnyMount = TypeVar("AnyMount", UserMount, TmpfsMount)


def with_mounts(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Replace default mounts by the user's, add the user's, then set what is read-only.

    Raises InvalidParameter (withMounts).
    """
    mounts = collect_mounts(request)
    destinations = {mount.destination for mount in mounts}
    spec.mounts = list(_default_mounts(spec, request, destinations))
    for mount in mounts:
        if isinstance(mount, TmpfsMount):
            spec.mounts.append(_tmpfs_mount(mount))
        else:
            _propagate_from_root(spec, mount, host.files)
            spec.mounts.append(_bind_mount(mount, host))
    # Order matters from here: what makes read-only comes before what privileges lift again.
    if spec.root.readonly:
        _make_readonly(spec, destinations)
    if request.host_config.privileged:
        _clear_readonly(spec, "destination", "/sys")
        spec.linux.masked_paths = []
        spec.linux.readonly_paths = []
    if _writable_cgroups(request.host_config):
        _clear_readonly(spec, "type", "cgroup")


def collect_mounts(request: SpecRequest) -> list[UserMount | TmpfsMount]:
    """All but the default ones, parents before children.

    dockerd's order among the user's own of one depth is random; here it is that of their names.
    """
    tmpfs = tmpfs_mounts(request.host_config)
    taken = {mount.destination for mount in tmpfs}
    given = [mount for mount in request.mounts if mount.destination not in taken]
    files = _network_sources(request)
    mounts: list[UserMount | TmpfsMount] = [
        *_ipc_mounts(request, taken | {mount.destination for mount in given}),
        *_by_name(tmpfs),
        *_by_name([mount for mount in given if mount.destination not in files]),
        *_network_mounts(request, given),
    ]
    return sorted(mounts, key=lambda mount: depth(mount.destination))


def tmpfs_mounts(settings: HostConfig) -> list[TmpfsMount]:
    """Those of --tmpfs and of --mount type=tmpfs (TmpfsMounts)."""
    plain = [TmpfsMount(path, data) for path, data in (settings.tmpfs or {}).items()]
    return plain + [
        TmpfsMount(mount.target, convert_tmpfs_options(mount.tmpfs_options, mount.read_only))
        for mount in settings.mounts or []
        if mount.type == "tmpfs"
    ]


def _by_name(mounts: Sequence[AnyMount]) -> list[AnyMount]:
    return sorted(mounts, key=lambda mount: mount.destination)


def _ipc_mounts(request: SpecRequest, destinations: set[str]) -> list[UserMount]:
    """Shared memory of an IPC namespace that several share (IpcMounts)."""
    mode = IpcMode(request.host_config.ipc_mode)
    if mode.is_private or mode.is_none or not request.shm_path or _SHM in destinations:
        return []
    return [UserMount(request.shm_path, _SHM, propagation=DEFAULT_PROPAGATION)]


def _network_sources(request: SpecRequest) -> dict[str, str]:
    files = request.network_files
    return {
        "/etc/resolv.conf": files.resolv_conf,
        "/etc/hostname": files.hostname,
        "/etc/hosts": files.hosts,
    }


def _network_mounts(request: SpecRequest, given: Sequence[UserMount]) -> Iterator[UserMount]:
    """The three files of the engine's, or what the user mounts in their place (NetworkMounts)."""
    users = {mount.destination: mount for mount in given}
    for destination, source in _network_sources(request).items():
        user = users.get(destination)
        source = user.source if user else source
        writable = user.writable if user else not request.host_config.readonly_rootfs
        if source:
            yield UserMount(source, destination, writable, DEFAULT_PROPAGATION)


def _default_mounts(spec: Spec, request: SpecRequest, destinations: set[str]) -> Iterator[Mount]:
    """Those that the user does not replace; none below /dev when /dev itself is the user's."""
    for mount in spec.mounts:
        if mount.destination in destinations:
            continue
        if "/dev" in destinations and mount.destination.startswith("/dev/"):
            continue
        if mount.destination == _SHM:
            if IpcMode(request.host_config.ipc_mode).is_none:
                continue
            mount.options.append(f"size={request.host_config.shm_size}")
        yield mount


def _tmpfs_mount(mount: TmpfsMount) -> Mount:
    options = ["noexec", "nosuid", "nodev", DEFAULT_PROPAGATION]
    if mount.data:
        options += mount.data.split(",")
    return Mount(mount.destination, "tmpfs", "tmpfs", merge_tmpfs_options(options))


def _bind_mount(mount: UserMount, host: Host) -> Mount:
    options = ["bind" if mount.non_recursive else "rbind"]
    if not mount.writable:
        options.append(_readonly_option(mount, host))
    if mount.propagation in PROPAGATIONS:
        options.append(mount.propagation)
    return Mount(mount.destination, "bind", mount.source, options)


def _readonly_option(mount: UserMount, host: Host) -> str:
    if mount.read_only_non_recursive:
        if mount.read_only_force_recursive:
            raise InvalidParameter(
                "mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive"
            )
        return "ro"
    if host.recursive_read_only:
        if mount.read_only_force_recursive:
            raise InvalidParameter(host.recursive_read_only)
        return "ro"
    return "rro"


def _propagate_from_root(spec: Spec, mount: UserMount, files: HostFiles) -> None:
    """Mounts are only received from the host, or shown to it, if the root lets them through."""
    root = spec.linux.rootfs_propagation
    if mount.propagation in _SHARED:
        _ensure_propagation(mount.source, ("shared:",), "a shared mount", files)
        if root not in _SHARED:
            spec.linux.rootfs_propagation = "shared"
    elif mount.propagation in _SLAVE:
        try:
            _ensure_propagation(
                mount.source, ("shared:", "master:"), "a shared or slave mount", files
            )
        except InvalidParameter:
            if mount.propagation_by_default:
                return
            raise
        if root not in _SHARED | _SLAVE:
            spec.linux.rootfs_propagation = "rslave"


def _ensure_propagation(
    path: str, kinds: tuple[str, ...], description: str, files: HostFiles
) -> None:
    """moby ensureShared, ensureSharedOrSlave."""
    try:
        found = files.mount_of(path)
    except OSError as err:
        raise InvalidParameter(f"lstat {path}: {error_text(err)}") from err
    if found is None:
        raise InvalidParameter(f"Can't find mount point of {path}")
    if not any(field.startswith(kinds) for field in found.optional):
        raise InvalidParameter(
            f"path {path} is mounted on {found.mountpoint} but it is not {description}"
        )


def _make_readonly(spec: Spec, users: set[str]) -> None:
    for mount in spec.mounts:
        if mount.destination in users or mount.destination in _WRITABLE_WHEN_READONLY:
            continue
        if "ro" not in mount.options:
            mount.options.append("ro")


def _clear_readonly(spec: Spec, attribute: str, value: str) -> None:
    for mount in spec.mounts:
        if getattr(mount, attribute) == value:
            mount.options = [option for option in mount.options if option != "ro"]


def _writable_cgroups(settings: HostConfig) -> bool:
    """As the user chose, and otherwise only for privileged containers."""
    chosen = parse_security_opt(settings.security_opt).writable_cgroups
    return settings.privileged if chosen is None else chosen
