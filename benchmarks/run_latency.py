"""How long `run --rm IMAGE true` takes: runner, dockerd, ctr and runc by turns.

    make bench          or, with options: python benchmarks/run_latency.py --rounds 10

Starts all that it needs and leaves nothing behind. Wants root.
"""

from __future__ import annotations

import functools
import sys
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks import api, harness, steps
from benchmarks.daemons import IMAGE, Daemons
from benchmarks.harness import Contestant, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TARGETS = (
    Target("runner run", ratio=0.6),
    Target("runner run, no network", ratio=0.7),
    Target("runner API", ratio=0.7),
    Target("runner API, no network", ratio=0.7),
    Target("runner --version", seconds=0.060),
    Target("runner version", seconds=0.060),
)
_TRACED_RUNS = 15


def runs(daemons: Daemons) -> list[Contestant]:
    """Everybody who can run a container. Their daemons are started at their first run."""
    return [
        *_network(daemons, "bridge", ""),
        *_network(daemons, "none", ", no network"),
        Contestant("runner run, recorded", lambda: _cli(daemons.recorded, "bridge"), "runner run"),
        Contestant(
            "docker CLI on runner", lambda: _cli(daemons.docker_on_runner, "bridge"), "docker run"
        ),
        Contestant("ctr run", functools.partial(_ctr, daemons, count())),
        Contestant("runc run", lambda: daemons.runc("run", "--bundle", str(daemons.bundle), "b")()),
    ]


def _network(daemons: Daemons, network: str, suffix: str) -> list[Contestant]:
    def on(socket: Path) -> harness.Phases:
        return api.run_and_remove(socket, image=IMAGE, network=network)

    docker, dockerd = f"docker run{suffix}", f"dockerd API{suffix}"
    return [
        Contestant(docker, lambda: _cli(daemons.docker, network)),
        Contestant(f"runner run{suffix}", lambda: _cli(daemons.runner, network), docker),
        Contestant(dockerd, lambda: on(daemons.dockerd.socket)),
        Contestant(f"runner API{suffix}", lambda: on(daemons.engine.socket), dockerd),
    ]


def _cli(program: Any, network: str) -> harness.Phases:
    result: harness.Phases = program("run", "--rm", f"--network={network}", IMAGE, "true")()
    return result


def _ctr(daemons: Daemons, numbers: count[int]) -> harness.Phases:
    name = "docker.io/library/busybox:latest"
    return daemons.ctr("run", "--rm", name, f"bench-{next(numbers)}", "true")()


def starts(daemons: Daemons) -> list[Contestant]:
    """The command's own start: without a request, and with the smallest possible answer."""
    return [
        Contestant("docker --version", lambda: daemons.docker("--version")()),
        Contestant("runner --version", lambda: daemons.runner("--version")(), "docker --version"),
        Contestant("docker version", lambda: daemons.docker("version")()),
        Contestant("runner version", lambda: daemons.runner("version")(), "docker version"),
    ]


def trace(rounds: int) -> list[steps.Run]:
    """Runs of our CLI on the default network, on an engine that writes its steps down.

    A separate engine: writing them down is not free.
    """
    files = Daemons()
    with files:
        file = files.workspace.path / "steps.jsonl"
        measured = []
        with Daemons(engine_env={"RUNNER_TRACE_FILE": str(file)}) as daemons:
            _cli(daemons.runner, "bridge")
            for _ in range(rounds):
                time.sleep(0.3)
                began = time.monotonic()
                _cli(daemons.runner, "bridge")
                measured.append(steps.Run(began, time.monotonic()))
            time.sleep(0.3)
            ended = time.monotonic()
        return steps.read_runs(file, measured, until=ended)


def selected(contestants: Iterable[Contestant], names: Sequence[str]) -> list[Contestant]:
    """Those whose names contain one of the words; all without words."""
    return [c for c in contestants if not names or any(name in c.name for name in names)]


def main() -> int:
    """Measure, print, and write the file that was asked for."""
    parser = harness.options(__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="measured runs of each (30)")
    parser.add_argument("--seed", type=int, default=1, help="another order of turns")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="only those whose name contains this; may be repeated",
    )
    parser.add_argument("--no-steps", action="store_true", help="do not look into our engine")
    chosen = parser.parse_args()

    facts = harness.machine()
    print(harness.describe(facts), end="\n\n")
    with Daemons() as daemons:
        contestants = selected([*runs(daemons), *starts(daemons)], chosen.only)
        results = harness.take_turns(contestants, rounds=chosen.rounds, seed=chosen.seed)
    print(harness.medians(results, contestants))
    if any(samples.phases for samples in results.values()):
        print("\nThe API's requests, one after the other\n")
        print(harness.phase_medians(results))
    verdicts = harness.judge(results, contestants, TARGETS)
    print("", *verdicts, sep="\n")
    traced = [] if chosen.no_steps else trace(_TRACED_RUNS)
    if traced:
        print("\nWhere our time goes: `runner run` on the default network\n")
        print(steps.step_medians(traced), steps.picture(traced), sep="\n\n")
    report = {"machine": facts, "results": results, "verdicts": verdicts, "traced": traced}
    harness.write_json(chosen.json, report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
