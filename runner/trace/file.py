"""Steps written down as they end, one JSON object a line.

`RUNNER_TRACE_FILE=PATH runner serve` makes such a file; `benchmarks/run_latency.py` reads it.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, BinaryIO

from runner.trace import Step, listening

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def writing_steps(file: BinaryIO) -> Iterator[None]:
    """Write every step that ends while inside to an unbuffered file.

    A line has the step's `name`, `attributes`, `started` (seconds of CLOCK_MONOTONIC, which all
    processes of the machine share), `duration` (seconds) and `error` (its text, or null).
    """
    with listening(lambda step: _write(file, step)):
        yield


def _write(file: BinaryIO, step: Step) -> None:
    line = {
        "name": step.name,
        "attributes": step.attributes,
        "started": step.started,
        "duration": step.duration,
        "error": None if step.error is None else str(step.error),
    }
    # A listener must not raise: a full disk costs the line, not the container.
    with contextlib.suppress(OSError):
        file.write(json.dumps(line, default=str).encode() + b"\n")
