"""What specs ask of the host at each start: devices, the mounts behind bind sources, AppArmor.

The one place of this package that looks at the host while a spec is made; tests put their own
`HostFiles` in its stead.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from runner.linux.mountinfo import mount_of, read_mounts
from runner.oci import apparmor
from runner.oci.spec import LinuxDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.linux.mountinfo import MountInfo

_DEVICE_TYPES: Final = {stat.S_IFBLK: "b", stat.S_IFCHR: "c", stat.S_IFIFO: "p"}
_SKIPPED_DIRECTORIES: Final = frozenset(
    {"pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"}
)


class NotADevice(Exception):
    """The path is something other than a device node (containerd oci.ErrNotADevice)."""


class HostFiles(Protocol):
    """The host's files. Every method may raise OSError."""

    def device(self, path: str) -> LinuxDevice:
        """The device node at `path`, links in its last part not followed. Raises NotADevice."""

    def resolve(self, path: str) -> str:
        """The path without symbolic links; unchanged when it cannot be resolved."""

    def devices_below(self, directory: str) -> list[LinuxDevice]:
        """Every device node of a directory tree, in the order of their names."""

    def host_devices(self) -> list[LinuxDevice]:
        """What a privileged container gets of /dev (containerd oci.HostDevices)."""

    def device_number(self, path: str) -> tuple[int, int]:
        """Major and minor of the device that `path` leads to; (0, 0) for other files."""

    def mount_of(self, path: str) -> MountInfo | None:
        """The mount that holds what `path` leads to."""

    def ensure_default_apparmor_profile(self) -> None:
        """Load docker-default into the kernel unless it is there. Raises System."""


class LiveHostFiles:
    """The files of this machine."""

    def device(self, path: str) -> LinuxDevice:
        found = Path(path).lstat()
        kind = _DEVICE_TYPES.get(stat.S_IFMT(found.st_mode))
        if kind is None:
            raise NotADevice(path)
        return LinuxDevice(
            path=path,
            type=kind,
            major=os.major(found.st_rdev),
            minor=os.minor(found.st_rdev),
            file_mode=stat.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
        )

    def resolve(self, path: str) -> str:
        try:
            return str(Path(path).resolve(strict=True)) if Path(path).is_symlink() else path
        except (OSError, RuntimeError):
            return path

    def devices_below(self, directory: str) -> list[LinuxDevice]:
        return list(self._walk(directory, frozenset()))

    def host_devices(self) -> list[LinuxDevice]:
        devices = self._walk("/dev", _SKIPPED_DIRECTORIES)
        return [
            device
            for device in devices
            if device.type != "p" and Path(device.path).name != "console"
        ]

    def device_number(self, path: str) -> tuple[int, int]:
        found = Path(path).stat()
        return os.major(found.st_rdev), os.minor(found.st_rdev)

    def mount_of(self, path: str) -> MountInfo | None:
        return mount_of(str(Path(path).resolve(strict=True)), read_mounts())

    def ensure_default_apparmor_profile(self) -> None:
        apparmor.ensure_default_apparmor_profile()

    def _walk(self, directory: str, skipped: frozenset[str]) -> Iterator[LinuxDevice]:
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in skipped:
                    yield from self._walk(entry.path, skipped)
                continue
            try:
                yield self.device(entry.path)
            except NotADevice:
                continue
            except OSError as err:
                if err.errno != errno.ENOENT:  # gone since it was listed
                    raise
