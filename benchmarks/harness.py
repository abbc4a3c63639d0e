"""What the benchmarks share: taking turns, statistics, targets, tables, facts of the machine.

Absolute times differ from machine to machine and from minute to minute. So rivals take turns, in
an order that changes with every round, and what is judged is the ratio of their medians.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Phases = Mapping[str, float]
"""The parts that a run was made of, in seconds; empty when it cannot be looked into."""


@dataclasses.dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the job. `run` does it once and raises when it did not work."""

    name: str
    run: Callable[[], Phases]
    against: str = ""
    """Whom it is compared with: another contestant's name."""
    tidy: Callable[[], object] = lambda: None
    """What is to be done after each run, and is no part of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached: at most `ratio` of the rival's median, or at most `seconds`."""

    name: str
    ratio: float = 0.0
    seconds: float = 0.0


@dataclasses.dataclass(slots=True)
class Samples:
    """What was measured of one contestant, in seconds."""

    seconds: list[float] = dataclasses.field(default_factory=list)
    phases: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def add(self, seconds: float, phases: Phases) -> None:
        """One more run."""
        self.seconds.append(seconds)
        for name, part in phases.items():
            self.phases.setdefault(name, []).append(part)

    @property
    def median(self) -> float:
        """The median run."""
        return statistics.median(self.seconds)

    @property
    def p90(self) -> float:
        """What nine of ten runs did not exceed."""
        return p90(self.seconds)


Results = Mapping[str, Samples]


def p90(values: Sequence[float]) -> float:
    """The 90th percentile."""
    return statistics.quantiles(values, n=10, method="inclusive")[8] if values[1:] else values[0]


def take_turns(
    contestants: Sequence[Contestant],
    *,
    rounds: int,
    warmup: int = 2,
    pause: float = 0.3,
    seed: int = 1,
) -> Results:
    """Let everybody run once in each round, in random (but repeatable) order.

    After each run it is quiet for `pause` seconds, so that nobody pays for what another one still
    sweeps up after having answered.
    """
    order = random.Random(seed)
    results = {contestant.name: Samples() for contestant in contestants}
    for number in range(-warmup, rounds):
        _progress(f"round {number + 1} of {rounds}" if number >= 0 else "warming up")
        for contestant in order.sample(contestants, len(contestants)):
            seconds, phases = timed(contestant)
            if number >= 0:
                results[contestant.name].add(seconds, phases)
            contestant.tidy()
            time.sleep(pause)
    _progress("")
    return results


def timed(contestant: Contestant) -> tuple[float, Phases]:
    """Run once; seconds and phases. What goes wrong is told with the contestant's name."""
    began = time.perf_counter()
    try:
        phases = contestant.run()
    except Exception as error:
        error.add_note(f"while measuring {contestant.name}")
        raise
    return time.perf_counter() - began, phases


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# --- showing -----------------------------------------------------------------------------------


def ms(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{seconds * 1000:.1f}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns in line: the first to the left, the others to the right."""
    lines = [list(headers), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    shown = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    return "\n".join([shown[0], "-" * (sum(widths) + 2 * len(widths) - 2), *shown[1:]])


def medians(results: Results, contestants: Iterable[Contestant]) -> str:
    """A row for each contestant: median, p90 and the ratio to its rival."""

    def row(contestant: Contestant) -> list[str]:
        samples = results[contestant.name]
        share = ratio(results, contestant)
        compared = f"{share:.2f} of {contestant.against}" if share else ""
        return [contestant.name, ms(samples.median), ms(samples.p90), compared]

    return table(["", "median ms", "p90 ms", "ratio"], map(row, contestants))


def ratio(results: Results, contestant: Contestant) -> float | None:
    """The contestant's median as a part of its rival's; None without a rival."""
    rival = results.get(contestant.against)
    return results[contestant.name].median / rival.median if rival else None


def phase_medians(results: Results) -> str:
    """Where the time of those goes that can be looked into from outside."""
    shown = {name: samples for name, samples in results.items() if samples.phases}
    names = list(dict.fromkeys(phase for samples in shown.values() for phase in samples.phases))
    rows = (
        [name, *(ms(statistics.median(samples.phases[phase])) for phase in names)]
        for name, samples in shown.items()
    )
    return table(["", *(f"{name} ms" for name in names)], rows)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a target was reached, and in words by how much."""

    met: bool
    text: str

    def __str__(self) -> str:
        return f"{'met' if self.met else 'NOT MET':8} {self.text}"


def judge(
    results: Results, contestants: Sequence[Contestant], targets: Iterable[Target]
) -> list[Verdict]:
    """Hold the targets against what was measured; those not measured are left out."""
    known = {contestant.name: contestant for contestant in contestants}
    verdicts = (_judge(results, known[t.name], t) for t in targets if t.name in known)
    return [verdict for verdict in verdicts if verdict]


def _judge(results: Results, contestant: Contestant, target: Target) -> Verdict | None:
    if target.seconds:
        median = results[target.name].median
        text = f"{target.name}: {ms(median)} ms, at most {ms(target.seconds)}"
        return Verdict(median <= target.seconds, text)
    share = ratio(results, contestant)
    if share is None:
        return None
    text = f"{target.name}: {share:.2f} of {contestant.against}, at most {target.ratio:.2f}"
    return Verdict(share <= target.ratio, text)


# --- facts and files ---------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpus": os.cpu_count(),
        "cpu": _field("/proc/cpuinfo", "model name"),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def describe(facts: Mapping[str, Any]) -> str:
    """The facts in one line."""
    load = facts["load"][0]
    return (
        f"{facts['cpus']} x {facts['cpu']}, {facts['memory']}, Linux {facts['kernel']}, "
        f"Python {facts['python']}, load {load:.1f}"
    )


def options(description: str) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    return parser


def write_json(file: Path | None, report: Mapping[str, Any]) -> None:
    """Write a report, when a file was asked for."""
    if file is not None:
        file.write_text(json.dumps(report, indent=1, default=_encode) + "\n")


def _encode(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)
