"""The kill test: engine and containerd are killed again and again under a workload.

    python -m tests.faults.kill [--kills 200] [--containerd-kills 20] [--threads 8] [--seed N]

Afterwards nothing that was acknowledged may be lost and nothing left over. Exit status 1 when it
is; what the clients have seen is printed in any case.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.unforeseen import unforeseen
from tests.faults.workload import Client, Tally
from tests.support import images
from tests.support.containerd import DEFAULT_VERSION, Containerd
from tests.support.engine import Engine
from tests.support.oci_runtime import OddRuntime
from tests.support.subject import Subject, assert_settles

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIFE = (0.2, 5.0)
"""Seconds that an engine is given between its start and its end."""
_AT_LAST = 400.0
"""Seconds that a client is given to come to the end of its container."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much of it."""

    kills: int
    containerd_kills: int
    threads: int
    seed: int


@dataclasses.dataclass
class Outcome:
    """What became of it."""

    tally: Tally
    restarts: list[float]

    def __str__(self) -> str:
        lines = [f"{count:7} {what}" for what, count in sorted(self.tally.counts.items())]
        median, most = statistics.median(self.restarts), max(self.restarts)
        lines.append(f"engine back after {median:.2f} s (median), {most:.2f} s (longest)")
        lines += [f"FAILED {failure}" for failure in self.tally.failures]
        return "\n".join(lines)


def run(subject: Subject, plan: Plan) -> Outcome:
    """Kill and let live; the engine must run, and runs in the end."""
    engine = subject.daemon
    assert isinstance(engine, Engine)
    tally = Tally()
    clients = [
        Client(engine.socket, number, plan.seed, tally) for number in range(1, plan.threads + 1)
    ]
    dice = random.Random(plan.seed)
    with_containerd = set(dice.sample(range(plan.kills), plan.containerd_kills))
    for client in clients:
        client.start()
    restarts = [
        _kill(engine, dice, containerd=number in with_containerd)
        for number in range(plan.kills)
        if not tally.failures
    ]
    for client in clients:
        client.finish()
    for client in clients:
        client.join(_AT_LAST)
    tally.failures += [f"{each.name} has not come to an end" for each in clients if each.is_alive()]
    log = engine.daemon.log.read_text(errors="replace")
    tally.failures += [f"in the engine's log: {line}" for line in unforeseen(log)]
    return Outcome(tally, restarts)


def _kill(engine: Engine, dice: random.Random, *, containerd: bool) -> float:
    """One death and what follows; the seconds that the engine was away. containerd, if it is to die
    too, does so once: under a living engine, or while that is dead."""
    time.sleep(dice.uniform(*_LIFE))
    alone = containerd and dice.random() < 0.5
    if alone:
        engine.containerd.kill()
        time.sleep(dice.uniform(0, 0.5))
        engine.containerd.start()
        time.sleep(dice.uniform(*_LIFE))
    engine.kill()
    if containerd and not alone:
        engine.containerd.kill()
        engine.containerd.start()
    began = time.monotonic()
    engine.start()
    return time.monotonic() - began


def _keep_evidence(engine: Engine, plan: Plan) -> Path:
    """Logs, and what the engine is doing right now, in one file."""
    engine.daemon.signal(signal.SIGUSR1)
    time.sleep(1)
    kept = Path(tempfile.gettempdir()) / f"runner-kill-{plan.seed}.log"
    sources = [
        engine.daemon.log,
        *sorted(engine.exec_root.glob("stacks-*")),
        engine.containerd.daemon.log,
    ]
    kept.write_bytes(b"\n--------\n".join(path.read_bytes() for path in sources))
    return kept


def main(arguments: Sequence[str]) -> int:
    """Run it on daemons of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--containerd-kills", type=int, default=20)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--containerd", default=DEFAULT_VERSION)
    options = parser.parse_args(arguments)
    plan = Plan(options.kills, options.containerd_kills, options.threads, options.seed)
    print(plan)
    with tempfile.TemporaryDirectory() as scratch, Containerd(options.containerd) as containerd:
        archive = images.busybox_archive(Path(scratch) / "busybox.tar")
        with Engine(containerd) as engine:
            engine.load(archive)
            subject = Subject(engine, OddRuntime(Path(scratch)))
            outcome = run(subject, plan)
            print(outcome)
            try:
                assert_settles(subject.traces)
            except AssertionError as error:
                outcome.tally.failures.append(str(error))
                print(f"FAILED {error}")
            if outcome.tally.failures:
                print(f"for the coroner: {_keep_evidence(engine, plan)}")
    return 1 if outcome.tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
