"""What a test run must not leave on the machine.

    python -m tests.support.residue snapshot FILE
    python -m tests.support.residue check FILE
    python -m tests.support.residue sweep          ends and removes what killed test runs left

A snapshot lists, for each kind of thing that an engine makes, what is there now. What was added
since is residue. Things that bear the name of another living test run are not ours to judge.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support import firewall
from tests.support.dockerd import sweep_up
from tests.support.process import cgroup_mounts, processes
from tests.support.workspace import PREFIX, Workspace, base_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Snapshot = dict[str, list[str]]

_DAEMONS: Final = ("containerd", "containerd-shim", "ctr", "docker", "dockerd", "runc")
_RUNTIME_FILES: Final = (
    "/run/containerd/s/*",
    "/run/containerd/fifo/*",
    "/run/containerd/runc/*/*",
    "/run/runc/*",
    "/run/netns/*",
    "/run/docker/*",
    "/run/runner/*",
    "/run/runner*",
    "/var/lib/cni/networks/*/*",
    "/var/lib/runner",
    "/var/lib/docker",
)
_SETTLE_SECONDS: Final = 5.0
_SCRATCH: Final = ("pytest-of-", "runner-tests.")
"""Directories that pytest gives to tests; they go with the run, or pytest removes them later."""


def take() -> Snapshot:
    """The state of the machine now."""
    return {name: sorted(set(look())) for name, look in _LOOKS.items()}


@dataclasses.dataclass(frozen=True)
class Scope:
    """Whose things count as residue."""

    own_only: bool = False
    """Only what bears a tag of this process; otherwise everything but other living runs' things."""

    def counts(self, item: str) -> bool:
        """Whether an added thing is to be reported."""
        if self.own_only:
            return any(tag in item for tag in Workspace.made)
        return not any(tag in item for tag in living_foreign_tags())

    @classmethod
    def from_environment(cls) -> Scope:
        """`RUNNER_TEST_RESIDUE=all` judges the whole machine, which wants it for itself."""
        return cls(own_only=os.environ.get("RUNNER_TEST_RESIDUE", "own") != "all")


def living_foreign_tags() -> list[str]:
    """The tags of workspaces whose owners live and are not this process."""
    found = [Workspace(path) for path in base_dir().glob(f"{PREFIX}*") if path.is_dir()]
    return [w.tag for w in found if w.tag not in Workspace.made and not w.abandoned()]


def diff(before: Snapshot, after: Snapshot, scope: Scope) -> list[str]:
    """What was added, one readable line each."""
    return [
        f"{kind}: {item}"
        for kind, items in after.items()
        for item in sorted(set(items) - set(before.get(kind, [])))
        if scope.counts(item)
    ]


def settled_diff(before: Snapshot, scope: Scope) -> list[str]:
    """The same against now, after what vanishes by itself (a veth, an exiting shim) has."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while (left := diff(before, take(), scope)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        yield f"{left.split()[4]} ({right.split()[0]})"


def _network_namespaces() -> Iterator[str]:
    """Namespaces that a process is in; those held by a mount are found among the mounts."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = os.readlink(entry / "ns/net")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if name != os.readlink("/proc/self/ns/net"):
                yield f"{name} held by [{entry.name}] {command[:120]}"


def _interfaces() -> Iterator[str]:
    return (path.name for path in Path("/sys/class/net").iterdir())


def _firewall() -> Iterator[str]:
    for command in firewall.BACKENDS:
        for line in firewall.save(command):
            yield f"{command} {line.table} {line.text}"


def _processes() -> Iterator[str]:
    for process in processes():
        words = " ".join(process.command)
        served = re.search(r"\brunner\b.*\bserve\b", words) is not None
        if served or process.name.startswith(_DAEMONS):
            yield f"[{process.pid}] {words}"


def _cgroups() -> Iterator[str]:
    for mount in set(cgroup_mounts().values()):
        parents = ["", "docker", "runner"]
        for parent in parents:
            for path in (mount / parent).glob("*/"):
                # systemd makes and removes its own as it likes
                if not path.name.endswith((".slice", ".scope", ".service", ".mount")):
                    yield str(path)


def _temporary() -> Iterator[str]:
    return (str(path) for path in base_dir().glob(f"{PREFIX}*"))


def _runtime_files() -> Iterator[str]:
    found = (Path("/").glob(pattern.lstrip("/")) for pattern in _RUNTIME_FILES)
    return (str(path) for path in itertools.chain.from_iterable(found))


def _fifos() -> Iterator[str]:
    for top in ("/run", "/dev/shm", str(base_dir())):
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith(_SCRATCH)]
            if folder.count("/") > top.count("/") + 4:
                folders.clear()
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISFIFO(os.lstat(path).st_mode):
                        yield path
                except OSError:
                    continue


_LOOKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "mount": _mounts,
    "network namespace": _network_namespaces,
    "interface": _interfaces,
    "firewall": _firewall,
    "process": _processes,
    "cgroup": _cgroups,
    "temporary directory": _temporary,
    "run-time file": _runtime_files,
    "fifo": _fifos,
}


def main(arguments: Sequence[str]) -> int:
    """Record the state in a file, or compare with the one recorded there."""
    match list(arguments):
        case ["snapshot", name]:
            Path(name).write_text(json.dumps(take(), indent=1))
            return 0
        case ["check", name]:
            return report(settled_diff(json.loads(Path(name).read_text()), Scope()))
        case ["sweep"]:
            for path in sweep_up():
                print(f"residue: swept up {path}")
            return 0
        case _:
            print("usage: python -m tests.support.residue snapshot FILE | check FILE | sweep")
            return 2


def report(left: Sequence[str]) -> int:
    """Print what is left; the exit status."""
    if not left:
        print("residue: nothing left behind")
        return 0
    print("residue: the tests left behind", *left, sep="\n  ")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
