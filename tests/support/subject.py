"""One face for our engine and for dockerd: what a test says of ours is asked of dockerd too."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.engine import Engine
from tests.support.http import UnixConnection
from tests.support.process import PATIENCE, processes
from tests.support.workspace import RUNC_ROOT

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.support.dockerd import Dockerd
    from tests.support.http import Answer
    from tests.support.oci_runtime import OddRuntime
    from tests.support.pty import Terminal

API: Final = "/v1.51"
UNKNOWN: Final = ": unknown"
"""What containerd before 2.0 adds to the text of every error of a shim."""


class Subject:
    """An engine under test, or the oracle, with busybox loaded and the runtime `odd`."""

    def __init__(self, daemon: Engine | Dockerd, runtime: OddRuntime) -> None:
        self.daemon = daemon
        self.runtime = runtime
        self._before = set(self._traces())
        self._gone: set[str] = set()

    @property
    def is_ours(self) -> bool:
        """Whether it is our engine."""
        return isinstance(self.daemon, Engine)

    @property
    def host(self) -> str:
        """The value for DOCKER_HOST."""
        return self.daemon.host

    # --- clients --------------------------------------------------------------------------------

    def docker(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the stock docker CLI."""
        done = self.daemon.docker(*arguments, **options)
        done.stderr = done.stderr.replace(UNKNOWN, "")
        return done

    def terminal(self, *arguments: str, **options: Any) -> Terminal:
        """The stock docker CLI under a terminal."""
        return self.daemon.docker_terminal(*arguments, **options)

    def api(self, method: str, target: str, body: Any = None, **options: Any) -> Answer:
        """One request; the target without the version prefix."""
        answer = self.daemon.api(method, API + target, body, **options)
        return dataclasses.replace(answer, body=answer.body.replace(UNKNOWN.encode(), b""))

    def connection(self, timeout: float = 60) -> UnixConnection:
        """A connection of the test's own."""
        return UnixConnection(self.daemon.socket, timeout=timeout)

    def ctr(self, *arguments: str, check: bool = True) -> str:
        """containerd's own client, in the engine's namespace."""
        return self.daemon.ctr(*arguments, check=check)

    # --- containers -----------------------------------------------------------------------------

    def create(self, *command: str, name: str = "box", host: Any = None, **config: Any) -> str:
        """Create a container of busybox; its ID."""
        body = {"Image": "busybox", "Cmd": list(command), "HostConfig": host or {}, **config}
        answer = self.api("POST", f"/containers/create?name={name}", body)
        assert answer.status == 201, answer.message
        return str(answer.json()["Id"])

    def start(self, reference: str = "box") -> Answer:
        """Start it."""
        return self.api("POST", f"/containers/{reference}/start")

    def wait(self, reference: str = "box", condition: str = "not-running") -> dict[str, Any]:
        """Wait for it; what the engine says of the end."""
        target = f"/containers/{reference}/wait?condition={condition}"
        return dict(self.api("POST", target).json())

    def inspect(self, reference: str = "box") -> dict[str, Any]:
        """All about it."""
        return dict(self.api("GET", f"/containers/{reference}/json").json())

    def state(self, reference: str = "box") -> dict[str, Any]:
        """Its State."""
        return dict(self.inspect(reference)["State"])

    def logs(self, reference: str = "box") -> str:
        """What it has printed, both streams."""
        done = self.docker("logs", reference)
        return done.stdout + done.stderr

    def identity(self, reference: str = "box") -> str:
        """Its ID."""
        return str(self.inspect(reference)["Id"])

    def exists(self, reference: str = "box") -> bool:
        """Whether there is such a container."""
        return self.api("GET", f"/containers/{reference}/json").status == 200

    # --- events ---------------------------------------------------------------------------------

    def events(self, since: int) -> list[str]:
        """What has happened since (ns), a line each: `container die exitCode=0`.

        Attributes that differ by nature are left out: IDs, times. What comes late of a container of
        the test before is not told.
        """
        now = time.time_ns()
        span = f"since={_seconds(since)}&until={_seconds(now)}"
        lines = self.api("GET", f"/events?{span}").body.splitlines()
        events = [json.loads(line) for line in lines]
        return [_event_line(event) for event in events if event["Actor"]["ID"] not in self._gone]

    # --- what is there --------------------------------------------------------------------------

    def traces(self) -> set[str]:
        """What the engine has on the machine beyond images, as against the beginning."""
        return set(self._traces()) - self._before

    def run_traces(self) -> set[str]:
        """The part of it that only a container that runs has."""
        return {item for item in self.traces() if not item.startswith("snapshot")}

    def remove_everything(self) -> None:
        """Remove containers, networks and volumes."""
        self.runtime.behave()
        self._gone |= self.daemon.remove_everything()

    @contextlib.contextmanager
    def images_restored(self) -> Iterator[None]:
        """At the end the engine has no images that it had not before."""
        before = self._images()
        yield
        for name in self._images() - before:
            self.ctr("images", "rm", "--sync", name)

    def _images(self) -> set[str]:
        return set(self.ctr("images", "list", "--quiet").split())

    def _traces(self) -> Iterator[str]:
        daemon = self.daemon
        for kind in ("containers", "tasks"):
            for name in daemon.ctr(kind, "list", "--quiet").split():
                yield f"{kind} {name}"
        for line in daemon.ctr("snapshots", "list").splitlines():
            if (words := line.split())[-1] == "Active":
                yield f"snapshot {words[0]}"
        folders = (str(daemon.workspace.path), str(daemon.containerd.workspace.path))
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            place = line.split()[4]
            if place.startswith(folders) and not place.endswith(_HOST_NAMESPACE):
                yield f"mount {place}"
        for port in Path(f"/sys/class/net/{daemon.bridge}/brif").glob("*"):
            yield f"interface {port.name}"
        for process in processes():
            if process.name.startswith("containerd-shim") and self._is_own_shim(process.command):
                yield f"shim {process.pid}"
        if isinstance(daemon, Engine):
            yield from _engine_traces(daemon)

    def _is_own_shim(self, command: tuple[str, ...]) -> bool:
        if isinstance(self.daemon, Engine):
            return self.daemon.namespace in command
        return str(self.daemon.containerd.address) in command


_HOST_NAMESPACE: Final = "/netns/default"
"""What stands for the host's network namespace is made once, for all containers on it."""


def _engine_traces(engine: Engine) -> Iterator[str]:
    for path in (RUNC_ROOT / engine.namespace).glob("[!.]*"):
        yield f"runc {path.name}"
    for pattern in ("exec/containers/*", "exec/netns/*", "data/rootfs/*/*"):
        for path in engine.workspace.path.glob(pattern):
            if not str(path).endswith(_HOST_NAMESPACE):
                yield f"file {path}"
    with contextlib.closing(sqlite3.connect(engine.data_root / "runner.db")) as database:
        gateways = "SELECT id FROM networks"
        taken = f"SELECT address, owner FROM addresses WHERE owner NOT IN ({gateways})"
        for address, owner in database.execute(taken):
            yield f"address {address} of {owner}"
        for (owner,) in database.execute("SELECT container_id FROM leftovers"):
            yield f"leftover {owner}"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _event_line(event: dict[str, Any]) -> str:
    attributes = {
        key: value
        for key, value in event["Actor"]["Attributes"].items()
        if key not in {"container", "execDuration", "image"}
    }
    words = [f"{key}={value}" for key, value in sorted(attributes.items())]
    return " ".join([event["Type"], event["Action"], *words])


def eventually(condition: Callable[[], Any], *, seconds: float = 10) -> Any:
    """Wait until the condition holds; its value then. The last value is returned in any case."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def assert_settles(look: Callable[[], set[str]], expected: set[str] | None = None) -> None:
    """Wait until what is there is what is expected; what goes on in the background has an end."""
    expected = expected or set()
    if not eventually(lambda: look() == expected):
        found = look()
        more, less = sorted(found - expected), sorted(expected - found)
        raise AssertionError(f"there is what should not be: {more}; there is not: {less}")
