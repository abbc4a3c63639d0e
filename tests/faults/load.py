"""Load over time: clients that come and go, and some that never read what they asked for.

    python -m tests.faults.load [--minutes 10] [--clients 16] [--seed N]

Between a warm-up and the load, and after it, everything is removed and the engine left alone: what
it then holds more than before has leaked. While it lasts, somebody else's requests are timed. Exit
status 1 when something grew, failed, or was held up.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support import firewall, images
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.engine import Engine
from tests.support.http import UnixConnection, request
from tests.support.oci_runtime import OddRuntime
from tests.support.process import status_number
from tests.support.subject import Subject, assert_settles
from tests.support.workspace import mounts_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CHATTY: Final = "chatty"
_TALK: Final = ["sh", "-c", "while :; do seq 1000; sleep 0.2; done"]
_SLOTHS: Final = (
    ("GET", f"/containers/{CHATTY}/logs?follow=1&stdout=1&stderr=1"),
    ("GET", f"/containers/{CHATTY}/stats"),
    ("GET", "/events"),
    ("GET", f"/containers/{CHATTY}/export"),
)
"""Answers without an end, or long ones, that nobody reads."""

_GROWTH: Final = 1.15
"""How much of its memory the engine may have more, quiet, after the load than before it."""
_HELD_UP: Final = 10.0
"""Seconds after which a request that needs next to nothing has been held up by others."""
_SETTLING: Final = 5.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much of it; `warm_up` and `seconds` in seconds."""

    clients: int
    seconds: float
    seed: int
    warm_up: float = 60.0


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What the engine holds on the machine; memory in megabytes."""

    memory: float
    descriptors: int
    threads: int
    mounts: int
    rules: int
    interfaces: int

    @classmethod
    def of(cls, engine: Engine) -> Footprint:
        """As it is now."""
        pid = engine.daemon.pid
        rules = [line for line in firewall.save("iptables") if engine.bridge in line.text]
        return cls(
            memory=status_number(pid, "VmRSS") / 1024,
            descriptors=len(os.listdir(f"/proc/{pid}/fd")),
            threads=status_number(pid, "Threads"),
            mounts=len(mounts_below(engine.workspace.path)),
            rules=len(rules),
            interfaces=len(os.listdir(f"/sys/class/net/{engine.bridge}/brif")),
        )

    def grown_to(self, later: Footprint) -> list[str]:
        """What is more now than it may be. Threads are a pool's, which fills up once."""
        grown = [
            f"{name}: {before} before, {after} after"
            for name in ("descriptors", "mounts", "rules", "interfaces")
            if (after := getattr(later, name)) > (before := getattr(self, name))
        ]
        if later.memory > _GROWTH * self.memory:
            grown.append(f"memory: {self.memory:.0f} MB before, {later.memory:.0f} MB after")
        if later.threads > self.threads + 8:
            grown.append(f"threads: {self.threads} before, {later.threads} after")
        return grown


@dataclasses.dataclass
class Outcome:
    """What became of it; times in seconds."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    starts: list[float] = dataclasses.field(default_factory=list)
    bystander: list[float] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)
    before: Footprint | None = None
    after: Footprint | None = None

    def __str__(self) -> str:
        lines = [f"{count:7} {what}" for what, count in sorted(self.counts.items())]
        for what, times in (("start", self.starts), ("bystander's ps", self.bystander)):
            if times:
                lines.append(
                    f"{what}: {statistics.median(times):.3f} s (median), {max(times):.3f} s (most)"
                )
        lines += [f"before: {self.before}", f"after:  {self.after}"]
        return "\n".join(lines + [f"FAILED {failure}" for failure in self.failures])


class Api:
    """Requests of one client; an answer that was not expected is a failure."""

    def __init__(self, engine: Engine) -> None:
        self._socket = engine.socket

    def ask(self, method: str, target: str, body: Any = None, expected: int = 200) -> Any:
        """The decoded answer, or its text when it is no JSON."""
        answer = request(self._socket, method, f"/v1.51{target}", body, timeout=120)
        if answer.status != expected:
            text = answer.body[:200].decode(errors="replace")
            raise RuntimeError(f"{method} {target}: {answer.status} {text}")
        with contextlib.suppress(ValueError):
            return answer.json()
        return answer.body


def live(api: Api, name: str, dice: random.Random, outcome: Outcome) -> None:
    """One container, from its creation to its removal."""
    command, host = _wanted(dice)
    body = {
        "Image": "busybox",
        "Cmd": command,
        "Tty": dice.random() < 0.2,
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}} if dice.random() < 0.3 else {},
        "HostConfig": host,
    }
    api.ask("POST", f"/containers/create?name={name}", body, 201)
    began = time.monotonic()
    api.ask("POST", f"/containers/{name}/start", expected=204)
    outcome.starts.append(time.monotonic() - began)
    if command[0] == "sleep":
        _use(api, name, dice, outcome)
        api.ask("POST", f"/containers/{name}/kill", expected=204)
    ended = api.ask("POST", f"/containers/{name}/wait")
    outcome.counts[f"exit code {ended['StatusCode']}"] += 1
    api.ask("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
    api.ask("DELETE", f"/containers/{name}?v=1&force=1", expected=204)
    outcome.counts["containers"] += 1


def _wanted(dice: random.Random) -> tuple[list[str], dict[str, Any]]:
    command = dice.choice([["sleep", "1000"], ["seq", "2000"], ["true"], ["false"]])
    network = dice.choice(["bridge", "bridge", "none"])
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    host: dict[str, Any] = {"NetworkMode": network}
    if network == "bridge" and dice.random() < 0.5:
        host["PortBindings"] = ports
    return command, host


def _use(api: Api, name: str, dice: random.Random, outcome: Outcome) -> None:
    for _ in range(dice.randrange(3)):
        made = api.ask(
            "POST",
            f"/containers/{name}/exec",
            {"Cmd": ["echo", "hello"], "AttachStdout": True},
            201,
        )
        output = api.ask("POST", f"/exec/{made['Id']}/start", {})
        if b"hello" not in output:
            raise RuntimeError(f"an exec in {name} has said {output!r}")
        outcome.counts["execs"] += 1
    api.ask("GET", f"/containers/{name}/stats?stream=0&one-shot=1")
    api.ask("GET", f"/containers/{name}/top")
    api.ask("GET", f"/containers/{name}/json")


def run(engine: Engine, plan: Plan) -> Outcome:
    """The load; the engine is empty before and after it."""
    outcome = Outcome()
    _phase(engine, plan, plan.warm_up, Outcome(failures=outcome.failures))
    outcome.before = _quiet(engine)
    _phase(engine, plan, plan.seconds, outcome)
    outcome.after = _quiet(engine)
    outcome.failures += outcome.before.grown_to(outcome.after)
    if (most := max(outcome.bystander, default=0.0)) > _HELD_UP:
        outcome.failures.append(f"a bystander waited {most:.1f} s for ps")
    return outcome


def _phase(engine: Engine, plan: Plan, seconds: float, outcome: Outcome) -> None:
    until = time.monotonic() + seconds
    api = Api(engine)
    api.ask("POST", f"/containers/create?name={CHATTY}", {"Image": "busybox", "Cmd": _TALK}, 201)
    api.ask("POST", f"/containers/{CHATTY}/start", expected=204)
    stop = threading.Event()
    others: list[Callable[[], None]] = [
        lambda: _watch(engine, stop, outcome),
        lambda: _sleep_on(engine, stop, plan.seed, outcome),
    ]
    with ThreadPoolExecutor(plan.clients + len(others)) as pool:
        clients = [
            pool.submit(_client, engine, number, plan.seed, until, outcome)
            for number in range(plan.clients)
        ]
        work = [pool.submit(other) for other in others]
        for each in clients:
            each.result()
        stop.set()
        for each in work:
            each.result()


def _client(engine: Engine, number: int, seed: int, until: float, outcome: Outcome) -> None:
    api, dice, life = Api(engine), random.Random(f"{seed} {number}"), 0
    while time.monotonic() < until and not outcome.failures:
        life += 1
        try:
            live(api, f"c{number}-{life}", dice, outcome)
        except Exception as error:
            outcome.failures.append(f"c{number}-{life}: {type(error).__name__}: {error}")


def _watch(engine: Engine, stop: threading.Event, outcome: Outcome) -> None:
    """Somebody who wants very little, and of the container that all the sloths sit on."""
    api = Api(engine)
    while not stop.wait(0.5):
        began = time.monotonic()
        api.ask("GET", "/containers/json")
        api.ask("GET", f"/containers/{CHATTY}/logs?stdout=1&tail=10")
        outcome.bystander.append(time.monotonic() - began)


def _sleep_on(engine: Engine, stop: threading.Event, seed: int, outcome: Outcome) -> None:
    """Clients that ask and do not read; the oldest goes when the next one comes."""
    dice = random.Random(seed)
    with contextlib.ExitStack() as connections:
        asleep: list[UnixConnection] = []
        while not stop.wait(0.3):
            connection = UnixConnection(engine.socket, timeout=60)
            connections.callback(connection.close)
            connection.request(*dice.choice(_SLOTHS))
            outcome.counts["clients that did not read"] += 1
            asleep.append(connection)
            if len(asleep) > 20:
                asleep.pop(0).close()


def _quiet(engine: Engine) -> Footprint:
    """Nothing is there, nobody asks, and what goes on in the background has ended."""
    engine.remove_everything()
    time.sleep(_SETTLING)
    return Footprint.of(engine)


@contextlib.contextmanager
def _daemons(version: str) -> Iterator[Subject]:
    with tempfile.TemporaryDirectory() as scratch, Containerd(version) as containerd:
        archive = images.busybox_archive(Path(scratch) / "busybox.tar")
        with Engine(containerd) as engine:
            engine.load(archive)
            yield Subject(engine, OddRuntime(Path(scratch)))


def main(arguments: Sequence[str]) -> int:
    """Run it on daemons of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--containerd", default=DEFAULT_VERSION)
    options = parser.parse_args(arguments)
    plan = Plan(options.clients, options.minutes * 60, options.seed)
    print(plan)
    with _daemons(options.containerd) as subject:
        assert isinstance(subject.daemon, Engine)
        outcome = run(subject.daemon, plan)
        try:
            assert_settles(subject.traces)
        except AssertionError as error:
            outcome.failures.append(str(error))
    print(outcome)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
