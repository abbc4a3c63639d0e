"""Fuzzing of the whole API, from the description that the engine serves of itself.

    python -m tests.faults.fuzz [--requests 20000] [--seed N] [--parts api,archives,…]

The engine and its containerd run in network and mount namespaces of the harness's own. Nothing may
be answered by an unforeseen error, nothing may hang, the engine must live, and when all is removed
nothing may be left: descriptors, tasks, memory, mounts, namespaces, shims. Exit status 1 when that
is not so; what was seen is printed in any case.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults.fuzzing import archives, hostile, sockets
from tests.faults.fuzzing.cases import Cases
from tests.faults.fuzzing.judge import Judge
from tests.faults.fuzzing.remains import Remains, resident
from tests.faults.fuzzing.seeds import Seeds
from tests.support import images
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.engine import Engine
from tests.support.foreground import until_signal
from tests.support.oci_runtime import OddRuntime
from tests.support.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PARTS: Final = {"api": 0.80, "archives": 0.07, "registry": 0.03, "streams": 0.04, "http": 0.06}
_WEIGHTS: Final = {
    ("POST", "/containers/create"): 8,
    ("POST", "/containers/{name}/update"): 3,
    ("POST", "/containers/{name}/exec"): 2,
    ("POST", "/containers/{name}/start"): 3,
    ("POST", "/exec/{name}/start"): 2,
    ("POST", "/networks/create"): 4,
    ("POST", "/networks/{name}/connect"): 2,
    ("POST", "/volumes/create"): 2,
    ("POST", "/commit"): 2,
}
"""How often an operation comes as against others: bodies have the most to go wrong."""
_CASES: Final = 6
"""Cases of each sort that are generated for an operation, at most; the rest is bending them."""
_WARM_UP: Final = 0.25
"""The share after which the engine is taken to have all that it keeps for good."""
_ROUND: Final = 1000
_ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""glibc gives memory back at once, so that what the engine has is what it uses: otherwise the holes
that large bodies leave are as large as a leak."""
_SEPARATE: Final = "RUNNER_FUZZ_SEPARATE"


class Fuzzer:
    """All parts, on one engine."""

    def __init__(
        self, engine: Engine, archive: Path, scratch: Path, *, seed: int, requests: int
    ) -> None:
        self.judge = Judge(engine)
        self._dice = random.Random(seed)
        self._seeds = Seeds(engine, archive)
        description = engine.api("GET", "/runner/openapi.json").json()
        host = scratch / "host"
        host.mkdir()
        size = min(_CASES, 2 + requests // 1000)
        self._cases = Cases(description, self._seeds, str(host), size=size, dice=self._dice)
        self._operations = self._cases.operations
        self._weights = [_WEIGHTS.get(operation, 1) for operation in self._operations]
        self._archives = archives.Archives(archive.read_bytes(), self._dice)
        self._rounds = 0

    def run(self, requests: int, parts: Sequence[str]) -> None:
        """About so many requests, in rounds of all parts."""
        shares = {part: share for part, share in _PARTS.items() if part in parts}
        whole = sum(shares.values())
        self._start_helpers()
        while requests > 0:
            size = min(requests, _ROUND)
            self._rounds += 1
            for part, share in shares.items():
                self._seeds.plant()
                began, before = time.monotonic(), self.judge.tally.requests
                self._play(part, max(1, round(size * share / whole)))
                done = self.judge.tally.requests - before
                memory = resident(self.judge.engine) // 1024
                seconds = time.monotonic() - began
                print(f"round {self._rounds} {part}: {done} in {seconds:.0f} s, {memory} MiB")
                sys.stdout.flush()
                self.judge.alive(part)
            requests -= size

    def _start_helpers(self) -> None:
        """Those that files are read by stay, and a short run may come to them late."""
        self._seeds.plant()
        self.judge.engine.api("GET", "/containers/seed-done/archive?path=/etc")

    def _play(self, part: str, count: int) -> None:
        play: dict[str, Callable[[int], None]] = {
            "api": self._play_api,
            "archives": self._play_archives,
            "registry": lambda count: hostile.play(self.judge, self._dice, count),
            "streams": lambda count: sockets.play_streams(
                self.judge, self._seeds, self._dice, count
            ),
            "http": lambda count: sockets.play_http(self.judge, self._dice, count),
        }
        play[part](count)

    def _play_api(self, count: int) -> None:
        """Some requests to one operation, then to another: in any order, often the weightier."""
        done = 0
        while done < count:
            for method, path in self._dice.choices(self._operations, self._weights, k=8):
                for request in self._cases.of(method, path, 5):
                    self.judge.ask("api", request)
                done += 5
            self._seeds.plant()

    def _play_archives(self, count: int) -> None:
        for _ in range(count):
            self.judge.ask("archives", self._archives.request(self._seeds))


def _settled(engine: Engine) -> None:
    """Remove everything, images too."""
    engine.remove_everything()
    for image in engine.api("GET", "/images/json?all=1").json() or []:
        engine.api("DELETE", f"/images/{image['Id']}?force=1")
    engine.api("POST", "/images/prune")


def fuzz(requests: int, seed: int, parts: Sequence[str], version: str) -> int:
    """Run it on daemons of its own."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        Containerd(version) as containerd,
        Engine(containerd, env=_ALLOCATOR) as engine,
    ):
        scratch = Path(folder)
        archive = images.busybox_archive(scratch / "busybox.tar")
        subject = Subject(engine, OddRuntime(scratch))
        fuzzer = Fuzzer(engine, archive, scratch, seed=seed, requests=requests)
        warm_up = round(requests * _WARM_UP)
        fuzzer.run(warm_up, parts)
        _settled(engine)
        remains = Remains(subject)
        fuzzer.run(requests - warm_up, parts)
        _settled(engine)
        for left in remains.left():
            fuzzer.judge.fail(left, "at the end", "")
        fuzzer.judge.look("at the end")
        if fuzzer.judge.tally.failures:
            kept = Path(tempfile.gettempdir()) / f"runner-fuzz-{seed}.log"
            kept.write_bytes(engine.daemon.log.read_bytes())
            print(f"for the coroner: {kept}")
        print(_summary(fuzzer, remains, time.monotonic() - began))
    return 1 if fuzzer.judge.tally.failures else 0


def _summary(fuzzer: Fuzzer, remains: Remains, seconds: float) -> str:
    tally = fuzzer.judge.tally
    lines = [
        f"{tally.requests} requests in {seconds:.0f} s, the slowest {tally.slowest:.1f} s",
        f"another client has waited for {tally.slowest_ping:.2f} s at most",
    ]
    lines += [f"{count:7} {part}" for part, count in tally.parts.items()]
    lines += [
        f"{count:7} answered {status or 'by closing'}"
        for status, count in sorted(tally.statuses.items())
    ]
    for kind, count in tally.internal.most_common():
        lines += [f"{count:7} times {kind}", f"        {tally.examples.get(kind, '')}"]
    lines += [str(remains)]
    lines += [f"FAILED {what}: {request}" for what, request in tally.failures.items()]
    return "\n".join(lines)


def _separate() -> None:
    """Go on in namespaces of our own: what requests do to networks and mounts stays there."""
    os.environ[_SEPARATE] = "1"
    again = [sys.executable, "-m", "tests.faults.fuzz", *sys.argv[1:]]
    script = 'ip link set lo up && exec "$@"'
    os.execvp("unshare", ["unshare", "--net", "--mount", "sh", "-c", script, "sh", *again])


def main(arguments: Sequence[str]) -> int:
    """Run it on daemons of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--parts", default=",".join(_PARTS), help="of " + ", ".join(_PARTS))
    parser.add_argument("--containerd", default=DEFAULT_VERSION)
    options = parser.parse_args(arguments)
    if _SEPARATE not in os.environ:
        _separate()
    print(options, flush=True)
    with until_signal():
        parts = options.parts.split(",")
        return fuzz(options.requests, options.seed, parts, options.containerd)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
