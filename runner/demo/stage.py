"""The stage of a scenario: an engine of its own, and everything gone when it is over.

Socket, data, containerd namespace, bridge and firewall chains are private, so that neither a
runner nor a docker that works on this host is disturbed. The containerd is the host's; where none
runs one is started beside it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.client import http, jsontext
from runner.client.client import EngineClient
from runner.client.errors import ClientError
from runner.client.system import ping
from runner.demo import image as images
from runner.demo import sweeping
from runner.engine.containerd_service import CONFIG, HOST_SOCKETS
from runner.oci.host import makes_cgroups_by_systemd
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.client.transport import Connection

    Document = dict[str, Any]

_READY: Final = 60.0
_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was run on the stage, and what came of it."""

    line: str
    code: int
    output: str


@dataclass(slots=True)
class Audience:
    """Whoever watches. Called from several threads."""

    step: Callable[[Document], None] = lambda _: None
    """A step of the road begins or ends."""
    say: Callable[[str], None] = lambda _: None
    """What is about to be done."""
    command: Callable[[Command], None] = lambda _: None
    pause: Callable[[], None] = lambda: None
    """May keep the scenario waiting, for whoever wants to look around."""
    over: Callable[[], None] = lambda: None
    """All steps are in; what is left of the scenario is still there."""


@dataclass
class Stage:
    """As a context manager it is set up and struck. One scenario at a time."""

    containerd: str = ""
    busybox: Path | None = None
    audience: Audience = field(default_factory=Audience)

    def __post_init__(self) -> None:
        self.tag = secrets.token_hex(3)
        """What all names of this stage's own have in them."""
        self.path = Path(tempfile.mkdtemp(prefix=f"runner-demo-{self.tag}-"))
        self.namespace = f"runner-demo-{self.tag}"
        self.bridge = f"rdemo-{self.tag}"
        self.cgroup_parent = "" if makes_cgroups_by_systemd() else f"/{self.namespace}"
        """Empty for the usual one, which systemd keeps in order."""
        self.host = f"unix://{self.path}/runner.sock"
        self.trace_id = ""
        self.image = images.make(self.busybox or images.static_busybox())
        self._root: Document = {}
        self._followed: list[Connection] = []
        self._engine: subprocess.Popen[bytes] | None = None
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        """Set it up, with the demo image in place."""
        try:
            self._undo.callback(shutil.rmtree, self.path, ignore_errors=True)
            self._undo.callback(_restore_forwarding, _FORWARDING.read_text())
            self._undo.callback(sweeping.remove_cgroups, self.cgroup_parent)
            if not self.containerd:
                self.containerd = _host_containerd() or self._start_containerd()
            self._undo.callback(
                lambda: asyncio.run(
                    sweeping.sweep(self.containerd, self.namespace, self.bridge, self.path)
                )
            )
            self.start_engine()
            self._undo.callback(self._stop_engine)
            archive = self.path / "demo.tar"
            archive.write_bytes(images.archive(self.image))
            self._run(["load", "--quiet", "--input", str(archive)])
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove everything."""
        self._undo.close()

    # --- the scenario ------------------------------------------------------------------------

    @contextlib.contextmanager
    def scenario(self, name: str) -> Iterator[None]:
        """One trace, from here to where nothing of it is under way any more."""
        self.trace_id = secrets.token_hex(16)
        self._root = self._span(f"demo {name}", time.time_ns(), parent="")
        self.audience.step(self._root)
        self._follow()
        try:
            yield
            self._settle()
            took = (time.time_ns() - self._root["began_ns"]) / 1e9
            self.audience.step(self._root | {"duration": took})
            self.audience.over()
        finally:
            self.trace_id = ""
            self._remove_containers()
            while self._followed:
                self._followed.pop().close()

    def runner(self, *arguments: str) -> Command:
        """A command line of runner's, traced; what it says, stderr included."""
        done = self._run(list(arguments), traced=True)
        self.audience.command(done)
        return done

    def say(self, text: str) -> None:
        """Tell what is about to be done, and wait for whoever wants to look around first."""
        self.audience.say(text)
        self.audience.pause()

    def did(self, name: str, lane: str, says: str, **told: Any) -> None:
        """Record something that was done on the stage, past the engine."""
        made = self._span(name, time.time_ns(), parent=self._root["span_id"])
        made["attributes"] = {"lane": lane, "says": says, **told}
        self.audience.step(made | {"duration": 0.0})

    def inspect(self, container: str) -> Document:
        """What the engine tells of a container, not traced."""
        with self._client() as client:
            found: Document = client.json("GET", f"/containers/{container}/json")
        return found

    @property
    def serves(self) -> bool:
        """Whether the engine lives."""
        return self._engine is not None and self._engine.poll() is None

    def kill_engine(self) -> int:
        """SIGKILL: no chance to tidy up. The PID that it had."""
        assert self._engine is not None
        self._engine.kill()
        self._engine.wait()
        return self._engine.pid

    def start_engine(self) -> None:
        """Start it on what its directories hold. Raises System when it does not come up.

        In a scenario its start belongs to the trace.
        """
        traceparent = f"00-{self.trace_id}-{self._root['span_id']}-01" if self.trace_id else ""
        with self._log.open("ab") as log:
            self._engine = subprocess.Popen(
                [sys.executable, "-m", "runner.api.serve", *self._engine_options()],
                env=dict(os.environ, TRACEPARENT=traceparent, PYTHONPATH=_package_root()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_answers()
        if self.trace_id:
            self._follow()

    # --- engine and containerd ---------------------------------------------------------------

    @property
    def _log(self) -> Path:
        return self.path / "runner.log"

    def _engine_options(self) -> list[str]:
        return [
            f"--host={self.host}",
            f"--data-root={self.path}/data",
            f"--exec-root={self.path}/exec",
            f"--containerd={self.containerd}",
            f"--containerd-namespace={self.namespace}",
            f"--bridge={self.bridge}",
            f"--cgroup-parent={self.cgroup_parent}",
            "--ip-forward-no-drop",
        ]

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _READY
        while time.monotonic() < deadline:
            with contextlib.suppress(ClientError), self._client() as client:
                ping(client)
                return
            if not self.serves:
                break
            time.sleep(0.02)
        raise System(f"the demo's engine does not come up: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("runner: ") if lines else "it says nothing"

    def _stop_engine(self) -> None:
        if self._engine is not None:
            self._engine.send_signal(signal.SIGTERM)
            try:
                self._engine.wait(30)
            except subprocess.TimeoutExpired:
                self._engine.kill()
                self._engine.wait()

    def _start_containerd(self) -> str:
        binary = shutil.which("containerd")
        if binary is None:
            raise System("no containerd runs and none is installed (apt-get install containerd)")
        folder, socket = self.path / "containerd", self.path / "containerd.sock"
        folder.mkdir()
        config = folder / "config.toml"
        config.write_text(CONFIG.format(root=folder / "root", state=folder / "s", socket=socket))
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [binary, "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._undo.callback(process.wait)
        self._undo.callback(process.terminate)
        return str(socket)

    # --- commands and what they tell ---------------------------------------------------------

    def _run(self, arguments: list[str], *, traced: bool = False) -> Command:
        environment = dict(os.environ, RUNNER_HOST=self.host, PYTHONPATH=_package_root())
        environment.pop("TRACEPARENT", None)
        with contextlib.ExitStack() as resources:
            descriptors: tuple[int, ...] = ()
            if traced:
                writing = resources.enter_context(self._listening())
                descriptors = (writing,)
                environment["RUNNER_TRACE_FILE"] = f"/dev/fd/{writing}"
                environment["TRACEPARENT"] = f"00-{self.trace_id}-{self._root['span_id']}-01"
            done = subprocess.run(
                [sys.executable, "-m", "runner", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=descriptors,
                check=False,
                timeout=120,
            )
        return Command(f"runner {' '.join(map(_quoted, arguments))}", done.returncode, done.stdout)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[int]:
        """A descriptor for the command to write its own steps to."""
        reading, writing = os.pipe()

        def listen() -> None:
            with os.fdopen(reading, encoding="utf-8") as lines:
                for line in lines:
                    self.audience.step(json.loads(line))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield writing
        finally:
            os.close(writing)
            thread.join(5)

    def _follow(self) -> None:
        """Hear of the engine's steps from now on, until it or the scenario ends."""
        response = self._ask_for_trace("?follow=1")
        self._followed.append(response.connection)

        def listen() -> None:
            with contextlib.suppress(RunnerError, OSError, ValueError):
                for step in jsontext.documents(response.chunks()):
                    self.audience.step(step)

        threading.Thread(target=listen, daemon=True).start()

    def _settle(self) -> None:
        """Return once nothing of the trace is under way: the sweeping up belongs to it.

        Each step is told once more as it has ended: what is followed may come a little later.
        """
        response = self._ask_for_trace()
        for step in response.json()["spans"]:
            self.audience.step(step)
        response.connection.close()

    def _ask_for_trace(self, query: str = "") -> http.Response:
        """The answer's connection is the caller's to close."""
        client = EngineClient(self.host)
        connection = client.connect()
        target = f"/runner/traces/{self.trace_id}{query}"
        connection.send(http.request_head("GET", target, {"Host": "runner"}))
        return client.checked(connection)

    def _remove_containers(self) -> None:
        """By the engine, which knows what they have; a scenario may leave it dead."""
        if self.serves:
            self._wait_until_it_answers()
        else:
            self.start_engine()
        with self._client() as client:
            for container in client.json("GET", "/containers/json", query={"all": "1"}):
                path = f"/containers/{container['Id']}"
                client.run("DELETE", path, query={"force": "1", "v": "1"})

    @contextlib.contextmanager
    def _client(self) -> Iterator[EngineClient]:
        client = EngineClient(self.host)
        try:
            yield client
        finally:
            client.close()

    def _span(self, name: str, began_ns: int, *, parent: str) -> Document:
        return {
            "trace_id": self.trace_id,
            "span_id": secrets.token_hex(8),
            "parent_id": parent,
            "name": name,
            "began_ns": began_ns,
            "duration": None,
            "error": None,
            "attributes": {},
        }


def _host_containerd() -> str:
    return next((str(socket) for socket in HOST_SOCKETS if socket.exists()), "")


def _package_root() -> str:
    """So that the stage's programs are this very package."""
    return str(Path(__file__).parents[2])


def _restore_forwarding(before: str) -> None:
    """The engine lets the host forward packets; without it the host is as it was."""
    if _FORWARDING.read_text() != before:
        _FORWARDING.write_text(before)


def _quoted(word: str) -> str:
    return f"'{word}'" if set(word) & set(" ;$*") else word
