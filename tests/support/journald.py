"""A real systemd-journald, whose sockets and journal are its own.

It runs in a mount namespace in which /run/systemd/journal and /run/log/journal are folders of its
workspace. So a driver can be tested on its socket and folder by their paths, and an engine that is
started in the namespace (`entering`) finds a host with a journal.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from tests.support.process import Daemon, HarnessError
from tests.support.toolchain import library_path, path_with, tool_root
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUN: Final = Path("/run/systemd")

# Other tests' mounts are let go of: this namespace would keep them from being unmounted.
_SCRIPT: Final = """\
set -e
mount --make-rslave /
cut -d' ' -f5 /proc/self/mountinfo | grep '/rt-' | sort -r | xargs -r -n1 umount -l || true
mkdir -p /run/log/journal
mount --bind {journal} /run/log/journal
mount -t tmpfs tmpfs {run}
mkdir -p {run}/journal {run}/journald.conf.d
mount --bind {sockets} {run}/journal
cp {configuration} {run}/journald.conf.d/
exec {journald}
"""
_CONFIGURATION: Final = """\
[Journal]
Storage=volatile
ReadKMsg=no
Audit=no
RateLimitIntervalSec=0
ForwardToSyslog=no
"""


class Journald:
    """One journald. As a context manager it is started and closed."""

    def __init__(self) -> None:
        self.workspace = Workspace.make()
        folder = self.workspace.folder
        self.socket = folder("sockets") / "socket"
        self.journal = folder("journal")
        """The folder for `journalctl --directory`."""
        self.bin_dir = folder("bin")
        """The folder of `journalctl`."""
        self._env = dict(os.environ, LD_LIBRARY_PATH=library_path("journald"), PATH=path_with())
        self._made: list[Path] = []
        self._write_journalctl()
        self.daemon = Daemon(
            "journald",
            ["unshare", "--mount", "sh", "-c", self._script()],
            log=self.workspace.path / "journald.log",
            env=self._env,
        )

    @property
    def journalctl(self) -> list[str]:
        """The command that reads this journal, in any namespace."""
        return [str(self.bin_dir / "journalctl"), f"--directory={self.journal}"]

    def start(self) -> Self:
        """Start it and wait until it takes entries."""
        if not Path("/etc/machine-id").exists():
            raise HarnessError("journald needs an /etc/machine-id")
        for place in (_RUN, Path("/run/log/journal")):
            self._make(place)
        self.daemon.start(self._serves)
        return self

    def restart(self) -> None:
        """End it and start it anew, in a new namespace."""
        self.daemon.stop()
        self.socket.unlink(missing_ok=True)
        self.start()

    def entering(self, command: Sequence[str], folder: Path) -> list[str]:
        """The command, to be run in the namespace and a folder."""
        namespace = f"--mount=/proc/{self.daemon.pid}/ns/mnt"
        script = 'cd "$0" && exec "$@"'
        return ["nsenter", namespace, "--", "sh", "-c", script, str(folder), *command]

    def close(self) -> None:
        """End it and remove everything."""
        self.daemon.stop()
        self.workspace.close()
        for place in reversed(self._made):
            with contextlib.suppress(OSError):  # others use it meanwhile
                place.rmdir()

    def _script(self) -> str:
        configuration = self.workspace.path / "test.conf"
        configuration.write_text(_CONFIGURATION)
        return _SCRIPT.format(
            journal=self.journal,
            run=_RUN,
            sockets=self.socket.parent,
            configuration=configuration,
            journald=tool_root("journald") / "lib/systemd/systemd-journald",
        )

    def _write_journalctl(self) -> None:
        program = self.bin_dir / "journalctl"
        libraries = shlex.quote(library_path("journald"))
        real = tool_root("journald") / "bin/journalctl"
        program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {real} "$@"\n')
        program.chmod(0o755)

    def _make(self, place: Path) -> None:
        """Make the mount point, which the host has unless it is a bare container."""
        missing = [folder for folder in (place, *place.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            self._made.append(folder)

    def _serves(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
