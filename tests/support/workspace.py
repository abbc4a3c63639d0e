"""Private directories for daemons, and their complete removal.

A workspace knows who owns it, so that one whose test run was killed is swept up by the next run:
its processes are found by the directory's name in their command lines, its mounts by their place,
its interfaces by the notes it keeps.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar, Final, Self

from runner.oci.host import makes_cgroups_by_systemd
from tests.support import firewall
from tests.support.process import (
    Process,
    cgroup_mounts,
    descendants,
    end,
    processes_naming,
)
from tests.support.toolchain import path_with

PREFIX: Final = "rt-"
_OWNER: Final = "owner"
_LINKS: Final = "links"
_MNT_DETACH: Final = 2
RUNC_ROOT: Final = Path("/run/containerd/runc")
"""Where containerd's shim keeps runc's state unless told otherwise (containerd: RuncRoot)."""


def base_dir() -> Path:
    """Where workspaces are made: a place on which overlayfs can have its upper directories."""
    return Path(os.environ.get("RUNNER_TEST_DIR") or tempfile.gettempdir())


class Workspace:
    """A private directory with a short path (unix sockets end at 107 characters)."""

    made: ClassVar[list[str]] = []
    """The tags of all that this process made: what bears one of them is this test run's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls) -> Self:
        """A new one, owned by this process."""
        # Not mkdtemp, whose names are not good enough for interfaces and containerd namespaces.
        path = base_dir() / f"{PREFIX}{secrets.token_hex(4)}"
        path.mkdir(mode=0o711, parents=True)
        me = Process.read(os.getpid())
        assert me is not None
        (path / _OWNER).write_text(f"{me.pid} {me.started}")
        workspace = cls(path)
        cls.made.append(workspace.tag)
        return workspace

    @property
    def tag(self) -> str:
        """Eight characters that are this workspace's alone: names for bridges and namespaces."""
        return self.path.name.removeprefix(PREFIX)

    def folder(self, name: str) -> Path:
        """A folder inside, made when missing."""
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def note_link(self, interface: str, *words: str) -> None:
        """Remember an interface (and words of its firewall rules) to be removed at the end."""
        with (self.path / _LINKS).open("a") as notes:
            notes.write(json.dumps([interface, *words]) + "\n")

    def abandoned(self) -> bool:
        """Whether the process that made it is gone."""
        try:
            pid, started = (self.path / _OWNER).read_text().split()
        except (OSError, ValueError):
            return False
        owner = Process.read(int(pid))
        return owner is None or owner.started != int(started)

    def sweep(self) -> None:
        """End its processes, and undo its mounts, interfaces, rules. Idempotent."""
        end_processes_of(self.path)
        unmount_below(self.path)
        self._remove_links()

    def close(self) -> None:
        """Sweep, then remove the directory."""
        self.sweep()
        # A mount that reappeared must not be walked into: rmtree would empty what it shows.
        if mounts_below(self.path):
            unmount_below(self.path)
        shutil.rmtree(self.path, ignore_errors=True)
        # The parent of its engine's containers' cgroups stays behind, which is that of ctr's too.
        remove_cgroups(set(cgroup_parents(self.path.name)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _remove_links(self) -> None:
        notes = self.path / _LINKS
        if not notes.exists():
            return
        for line in notes.read_text().splitlines():
            interface, *words = json.loads(line)
            remove_link(interface)
            firewall.remove_naming(interface, *words)
        notes.unlink()


def close_abandoned() -> list[Path]:
    """Remove the workspaces that killed test runs left behind; returns their paths."""
    found = [Workspace(path) for path in base_dir().glob(f"{PREFIX}*") if path.is_dir()]
    abandoned = [workspace for workspace in found if workspace.abandoned()]
    for workspace in abandoned:
        workspace.close()
    return [workspace.path for workspace in abandoned]


def end_processes_of(path: Path) -> None:
    """End every process that names the directory, with all that runs in its containers."""
    # Engines first, so that none restarts a container while its shim is being ended.
    engines = [p for p in processes_naming(f"{path}/") if not _is_shim(p)]
    end([p for p in engines if not p.name.startswith("containerd")], grace=10)
    end(engines, grace=10)
    shims = [p for p in processes_naming(f"{path}/") if _is_shim(p)]
    inside = descendants(shims)
    cgroups = {folder for process in inside for folder in process.cgroups()}
    sockets = [socket for shim in shims for socket in _listening_sockets(shim)]
    for folder in cgroups:
        _thaw(folder)
    end(inside, grace=0)
    end(shims, grace=0)
    for socket in sockets:
        socket.unlink(missing_ok=True)
    for shim in shims:
        _forget_runc_state(shim)
    remove_cgroups(cgroups)


def _is_shim(process: Process) -> bool:
    return process.name.startswith("containerd-shim")


def _listening_sockets(process: Process) -> list[Path]:
    """The unix sockets that a process listens on. A killed shim leaves them in /run/containerd/s,
    whose place is compiled into containerd."""
    inodes = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                    inodes.add(match[1])
    table = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    return [Path(row[7]) for row in table if len(row) > 7 and row[6] in inodes and row[7][0] == "/"]


def _forget_runc_state(shim: Process) -> None:
    namespace, container = (_flag(shim, name) for name in ("-namespace", "-id"))
    if not namespace or not container:
        return
    state = RUNC_ROOT / namespace / container
    # Containers of the same name may exist under another containerd: only the dead are forgotten.
    if (init := _init_of(state)) and Process.read(init) is None:
        shutil.rmtree(state, ignore_errors=True)
        with contextlib.suppress(OSError):
            state.parent.rmdir()


def _init_of(state: Path) -> int | None:
    """The container's first process, as runc or crun has written it down."""
    for name, key in (("state.json", "init_process_pid"), ("status", "pid")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            return int(json.loads((state / name).read_text())[key])
    return None


def _flag(process: Process, name: str) -> str | None:
    with contextlib.suppress(ValueError, IndexError):
        return process.command[process.command.index(name) + 1]
    return None


def remove_cgroups(folders: set[Path]) -> None:
    """Remove cgroups without processes, and their parents while these are empty too."""
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        # os.walk passes over what another test run removes meanwhile
        for below, _, _ in os.walk(folder, topdown=False):
            if below != str(folder):
                _remove_cgroup(Path(below))
        while _remove_cgroup(folder):
            folder = folder.parent


def _thaw(folder: Path) -> None:
    """Let processes run that are paused, in either version: they would not even die."""
    for name, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
        if (folder / name).exists():
            (folder / name).write_text(word)


def cgroup_parent(name: str) -> str:
    """A parent of an engine's cgroups that is its alone; none where that is systemd's to say."""
    return "" if makes_cgroups_by_systemd() else f"/{name}"


def cgroup_parents(name: str) -> list[Path]:
    """The cgroup of this name at the top of every hierarchy that has it."""
    return [path for mount in set(cgroup_mounts().values()) if (path := mount / name).is_dir()]


def _remove_cgroup(folder: Path) -> bool:
    try:
        folder.rmdir()  # the kernel refuses when anything is in it, and at the hierarchy's root
    except FileNotFoundError:
        return folder.parent.exists()
    except OSError:
        return False
    return True


def mounts_below(path: Path) -> list[str]:
    """Mount points inside a directory (the last mounted first)."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), line.split()[4])
        if point.startswith(f"{path}/"):
            points.append(point)
    return points[::-1]


def unmount_below(path: Path) -> None:
    """Detach every mount inside a directory."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mounts_below(path):
        if libc.umount2(os.fsencode(point), _MNT_DETACH) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"umount {point}: {os.strerror(number)}")


def remove_link(interface: str) -> None:
    """Remove a network interface; one that is gone is no error."""
    ip("link", "delete", "dev", interface, check=False)


def ip(*arguments: str, check: bool = True) -> str:
    """Run iproute2's `ip`; its output."""
    done = subprocess.run(
        ["ip", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=dict(os.environ, PATH=path_with()),
    )
    if check and done.returncode != 0:
        raise OSError(done.returncode, f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
