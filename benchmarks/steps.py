"""Where our time goes: the engine's own steps (`runner.trace`), laid beside a client's clock.

The engine writes them with CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from benchmarks.harness import ms, p90, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_WIDTH = 50
"""Columns of the picture."""
_NO_WORK = {"containerd.services.events.v1.Events/Subscribe"}
"""Steps in which the engine only waits for what may come."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `offset` is from the client's beginning, in seconds like `duration`."""

    name: str
    offset: float
    duration: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its client saw it (monotonic seconds), with the engine's steps."""

    began: float
    ended: float
    steps: tuple[Step, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the client waited."""
        return self.ended - self.began

    def with_steps(self, lines: Iterable[dict[str, Any]]) -> Self:
        """The same run with these steps, numbered where one name comes more than once."""
        seen: Counter[str] = Counter()
        steps = []
        for line in sorted(lines, key=lambda line: line["started"]):
            name = line["name"]
            seen[name] += 1
            shown = name if seen[name] == 1 else f"{name} ({seen[name]})"
            steps.append(Step(shown, line["started"] - self.began, line["duration"]))
        return type(self)(self.began, self.ended, tuple(steps))


def read_runs(file: Path, runs: Sequence[Run], *, until: float) -> list[Run]:
    """Give each run its steps: those that began after it did, and before the next one.

    The runs come one after the other; what the engine still does after its answer is included,
    for the last one up to `until` (monotonic seconds).
    """
    decoded = (json.loads(line) for line in file.read_text().splitlines())
    lines = [line for line in decoded if line["name"] not in _NO_WORK]
    ends = [run.began for run in runs[1:]] + [until]
    return [
        run.with_steps(line for line in lines if run.began <= line["started"] < end)
        for run, end in zip(runs, ends, strict=True)
    ]


def step_medians(runs: Sequence[Run]) -> str:
    """A row for each step: when it begins and how long it takes."""
    offsets: dict[str, list[float]] = defaultdict(list)
    durations: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for step in run.steps:
            offsets[step.name].append(step.offset)
            durations[step.name].append(step.duration)
    # What happens in few of the runs is not a step of the road.
    usual = [name for name in durations if len(durations[name]) * 2 > len(runs)]
    rows = (
        [
            name,
            ms(statistics.median(offsets[name])),
            ms(statistics.median(durations[name])),
            ms(p90(durations[name])),
        ]
        for name in sorted(usual, key=lambda name: statistics.median(offsets[name]))
    )
    return table(["step", "begins ms", "takes ms", "p90 ms"], rows)


def picture(runs: Sequence[Run]) -> str:
    """The run of median length, drawn: one line a step, the answer marked by a bar."""
    run = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    last = max([run.seconds, *(step.offset + step.duration for step in run.steps)])
    scale = _WIDTH / last

    def drawn(step: Step) -> str:
        start = min(round(step.offset * scale), _WIDTH - 1)
        length = max(1, round(step.duration * scale))
        canvas = list((" " * start + "=" * length)[:_WIDTH].ljust(_WIDTH))
        answer = min(round(run.seconds * scale), _WIDTH - 1)
        if canvas[answer] == " ":
            canvas[answer] = "|"
        return "".join(canvas)

    steps = (Step("(the client)", 0.0, run.seconds), *run.steps)
    rows = ([step.name, ms(step.offset), ms(step.duration), drawn(step)] for step in steps)
    return table(["step", "begins ms", "takes ms", "| = the client has ended".ljust(_WIDTH)], rows)
